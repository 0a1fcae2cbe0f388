# envmgr for PowerShell 7 on Linux and macOS. Put into $PROFILE.CurrentUserAllHosts:  . ~/.local/share/envmgr/shell/hook.ps1
#
# Written from the documentation of PowerShell and not tested by envmgr's suite (docs/how-to/shells.md). hook.bash tells
# the same, and why. Nothing here starts a program, but the one call of `envmgr _enter` for a project that has no record.
# Nothing of a project is ever evaluated.

$global:_envmgr = @{
    Home = [IO.Path]::GetDirectoryName([IO.Path]::GetDirectoryName($PSCommandPath))
    Active = ''; Gone = ''; Project = ''; Words = ''; Visit = ''; Told = $false; Off = ''; Before = ''; PythonHome = $null
    Prompt = if ($global:_envmgr) { $global:_envmgr.Prompt } else { $function:prompt }
}

# The words of a version file, joined by one blank.
function global:_envmgr_words([string] $text) {
    ([regex]::Matches(($text -replace '\A\uFEFF' -replace '#[^\n]*'), '[^ \t\r\n]+') | ForEach-Object { $_.Value }) -join ' '
}

function global:_envmgr_read([string] $file) {
    if (-not [IO.File]::Exists($file)) { return '' }
    $item = Get-Item -Force -LiteralPath $file
    if ($item.LinkType) { $item = Get-Item -Force -LiteralPath $item.ResolveLinkTarget($true).FullName }
    if ($item.UnixMode -notmatch '^-') { return '' } # a FIFO would hang the prompt
    try { _envmgr_words ([IO.File]::ReadAllText($file)) } catch { '!' }
}

# Set Project and Words from the nearest version file that holds a word; whether there is one.
function global:_envmgr_walk {
    $state = $global:_envmgr
    if ($env:ENVMGR_HOOK -ceq 'off' -or $PWD.Provider.Name -cne 'FileSystem') { return $false }
    $state.Project = $PWD.ProviderPath.TrimEnd('/')
    $ceilings = "$env:ENVMGR_CEILING_DIRS".Split(':')
    while ($true) {
        if ($ceilings -ccontains $(if ($state.Project) { $state.Project } else { '/' })) { return $false }
        $state.Words = _envmgr_read "$($state.Project)/.python-version"
        if ($state.Words) { break }
        if (-not $state.Project) { return $false }
        $state.Project = $state.Project.Substring(0, $state.Project.LastIndexOf('/'))
    }
    $pinned = _envmgr_words $env:ENVMGR_VERSION
    if ($pinned) { $state.Words = $pinned }
    return $true
}

# The environment on record, '' if there is none that works.
function global:_envmgr_recorded {
    $state = $global:_envmgr
    if ($state.Words -cnotmatch '\A[A-Za-z0-9._+<>=!~,*@ -]{1,200}\z' -or $state.Words.Contains('..')) { return '' }
    $record = "$($state.Home)/projects$($state.Project)/.envmgr/$($state.Words)"
    if (-not [IO.File]::Exists($record)) { return '' }
    $line = [IO.File]::ReadAllText($record).Split("`n")[0]
    if ($line -cnotmatch '\Aenvs/.' -or $line.Contains('..')) { return '' }
    if ([IO.File]::Exists("$($state.Home)/$line/bin/python")) { "$($state.Home)/$line" } else { '' }
}

# What the directory asks for; for a project without an environment, print one note per visit.
function global:_envmgr_wanted {
    $state = $global:_envmgr
    if (-not (_envmgr_walk)) {
        $state.Visit = ''
        $state.Off = ''
        return ''
    }
    $visit = "$($state.Project)/$($state.Words)"
    if ($state.Visit -cne $visit) {
        $state.Visit = $visit
        $state.Told = $false
        if ($state.Off -cne "$($state.Project)/") { $state.Off = '' }
    }
    if ($state.Off -or $state.Words -ceq 'system') { return '' }
    $found = _envmgr_recorded
    if ($found -or $state.Told) { return $found }
    $state.Told = $true
    $place = if ($state.Project) { $state.Project } else { '/' }
    & "$($state.Home)/shell/envmgr" _enter $state.Home $place | Out-Host
    return _envmgr_recorded
}

# Take the first, or the last, occurrence of a directory from PATH.
function global:_envmgr_strip([string] $directory, [switch] $Last) {
    $entries = [Collections.Generic.List[string]] $env:PATH.Split(':')
    $at = if ($Last) { $entries.LastIndexOf($directory) } else { $entries.IndexOf($directory) }
    if ($at -ge 0) {
        $entries.RemoveAt($at)
        $env:PATH = $entries -join ':'
    }
}

function global:_envmgr_enter([string] $environment) {
    $state = $global:_envmgr
    $state.Active = $environment
    $env:PATH = "$environment/bin:$env:PATH"
    $env:VIRTUAL_ENV = $environment
    $env:VIRTUAL_ENV_PROMPT = $environment.Split('/')[-2] -creplace '-[^-]*\z', ''
    if (Test-Path Env:PYTHONHOME) {
        $state.PythonHome = $env:PYTHONHOME
        Remove-Item Env:PYTHONHOME
    }
}

# Undo what entering did, by value; anything that the user changed meanwhile stays.
function global:_envmgr_leave {
    $state = $global:_envmgr
    if (-not $state.Active) { return }
    _envmgr_strip "$($state.Active)/bin"
    $state.Gone = if ($env:PATH.Split(':') -ccontains "$($state.Active)/bin") { '' } else { $state.Active }
    $state.Active = ''
    Remove-Item Env:VIRTUAL_ENV, Env:VIRTUAL_ENV_PROMPT -ErrorAction Ignore
    if ($null -ne $state.PythonHome -and -not (Test-Path Env:PYTHONHOME)) { $env:PYTHONHOME = $state.PythonHome }
    $state.PythonHome = $null
}

# Activate the environment of the directory, or none. An environment that the user activated is left alone.
function global:_envmgr_update {
    $state = $global:_envmgr
    $there = "$env:VIRTUAL_ENV"
    if ($there -and $there -cne $state.Active) {
        if (-not $there.StartsWith("$($state.Home)/envs/", [StringComparison]::Ordinal)) {
            if ($state.Active) { _envmgr_strip "$($state.Active)/bin" -Last }
            $state.Active = ''
            return
        }
        _envmgr_leave # inherited, or restored by a tool that saves old values
        $state.Active = $there
        _envmgr_leave
    }
    $wanted = _envmgr_wanted
    if ($wanted -cne $state.Active) {
        _envmgr_leave
        if ($wanted) { _envmgr_enter $wanted }
    } elseif ($wanted) {
        if ($there -cne $wanted -or -not ($env:PATH.Split(':') -ccontains "$wanted/bin")) { # PATH was reset, or the variable
            _envmgr_leave
            _envmgr_enter $wanted
        }
    } elseif ($state.Gone) {
        _envmgr_strip "$($state.Gone)/bin"
    }
}

# envmgr shell [VERSION | --unset | -]
function global:_envmgr_shell([string] $word) {
    $state = $global:_envmgr
    $last = "$env:ENVMGR_VERSION"
    if (-not $word) { return $last }
    $new = switch -CaseSensitive ($word) { '-' { $state.Before } '--unset' { '' } default { $word } }
    if ($new -ceq $word) {
        envmgr find $word > $null
        if ($LASTEXITCODE) { return }
    }
    $env:ENVMGR_VERSION = $new # an empty value removes the variable
    $state.Before = $last
}

# The verbs that only this shell can do; everything else is the program's.
function global:envmgr {
    $state = $global:_envmgr
    $verb = if ($args.Count) { "$($args[0])" } else { '' }
    switch -CaseSensitive ($verb) {
        'activate' { $state.Off = '' }
        'deactivate' { $state.Off = "$($state.Project)/" }
        'shell' { _envmgr_shell "$($args[1])" }
        default {
            if ($verb -ceq 'doctor') { $env:_ENVMGR_SHELL = "pwsh $PID" }
            $named = $env:ENVMGR_HOME
            if (-not $named) { $env:ENVMGR_HOME = $state.Home }
            & "$($state.Home)/shell/envmgr" @args
            $env:ENVMGR_HOME = $named
            $env:_ENVMGR_SHELL = $null
            return
        }
    }
    _envmgr_update
}

# The user's prompt sees the `$?` and $LASTEXITCODE that it would have seen without us.
function global:prompt {
    $ok, $code = $?, $global:LASTEXITCODE
    _envmgr_update
    $global:LASTEXITCODE = $code
    if (-not $ok) { Write-Error '' -ErrorAction Ignore }
    & $global:_envmgr.Prompt
}

# The shims come first on PATH; an environment goes before them when it is entered.
_envmgr_strip "$($global:_envmgr.Home)/shims"
$env:PATH = "$($global:_envmgr.Home)/shims:$env:PATH"
