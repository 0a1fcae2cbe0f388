# envmgr for nushell 0.105 and later. `envmgr setup nu` writes a file into nushell's autoload folder, with
# `const _envmgr_hook`, the path of this file. hook.bash has the reasons. Nothing here starts a program, but the
# one call of `envmgr _enter` for a project that has no record. Nothing of a project is ever evaluated.

const _envmgr_home = ($_envmgr_hook | path dirname | path dirname)

# The words of a version file, joined by one blank.
def _envmgr_words [text: string]: nothing -> string {
    $text
    | str replace --regex '^\x{feff}' ''
    | str replace --all --regex '#[^\n]*' ''
    | split row --regex '[ \t\r\n]+'
    | where {|word| $word != '' }
    | str join ' '
}

def _envmgr_read [file: string]: nothing -> string {
    if ($file | path expand | path type) != file { return '' }
    try {
        let text = open --raw $file | into binary | bytes at ..8192
        if ($text | bytes length) > 8192 { '!' } else { $text | decode utf-8 }
    } catch { '!' }
}

# The active project and the words of its pin; null where there is none.
def _envmgr_pin [] {
    if $env.ENVMGR_HOOK? == off or $env._ENVMGR.unloaded { return null }
    mut project = $env.PWD | str trim --right --char '/'
    let ceilings = $env.ENVMGR_CEILING_DIRS? | default '' | split row ':'
    loop {
        if (if $project == '' { '/' } else { $project }) in $ceilings { return null }
        let words = _envmgr_words (_envmgr_read $"($project)/.python-version")
        if $words != '' {
            let pinned = _envmgr_words ($env.ENVMGR_VERSION? | default '')
            return { project: $project, words: (if $pinned == '' { $words } else { $pinned }) }
        }
        if $project == '' { return null }
        $project = $project | str replace --regex '/[^/]*$' ''
    }
}

# The environment on record, '' if there is none that works.
def _envmgr_recorded [pin: record]: nothing -> string {
    if $pin.words !~ '^[A-Za-z0-9._+<>=!~,*@ -]{1,200}$' or '..' in $pin.words { return '' }
    let real = if $pin.project == '' { '' } else { $pin.project | path expand } # of what a link leads to now
    let line = _envmgr_read $"($_envmgr_home)/projects($real)/.envmgr/($pin.words)" | lines | get --optional 0 | default ''
    if $line !~ '^envs/.' or '..' in $line or not ($"($_envmgr_home)/($line)/bin/python" | path exists) { return '' }
    $"($_envmgr_home)/($line)"
}

# What the directory asks for; for a project without an environment, print one note per visit.
def --env _envmgr_wanted [] {
    let pin = _envmgr_pin
    if $pin == null {
        $env._ENVMGR.visit = ''
        $env._ENVMGR.off = ''
        return ''
    }
    let visit = $"($pin.project)/($pin.words)"
    $env._ENVMGR.project = $pin.project
    if $env._ENVMGR.visit != $visit {
        $env._ENVMGR.visit = $visit
        $env._ENVMGR.notified = false
        if $env._ENVMGR.off != $"($pin.project)/" { $env._ENVMGR.off = '' }
    }
    if $env._ENVMGR.off != '' or $pin.words == system { return '' }
    let found = _envmgr_recorded $pin
    if $found != '' or $env._ENVMGR.notified { return $found }
    $env._ENVMGR.notified = true
    try { ^$"($_envmgr_home)/shell/envmgr" _enter $_envmgr_home (if $pin.project == '' { '/' } else { $pin.project }) }
    _envmgr_recorded $pin
}

def _envmgr_path [] { $env.PATH | split row (char esep) }

# Take the first, or the last, occurrence of a directory from PATH.
def --env _envmgr_strip [directory: string, --last] {
    let entries = _envmgr_path | enumerate
    let found = $entries | where item == $directory | get index
    if ($found | is-empty) { return }
    let at = if $last { $found | last } else { $found | first }
    $env.PATH = $entries | where index != $at | get item
}

def --env _envmgr_enter [environment: string] {
    $env._ENVMGR.active = $environment
    $env.PATH = _envmgr_path | prepend $"($environment)/bin"
    $env.VIRTUAL_ENV = $environment
    $env.VIRTUAL_ENV_PROMPT = $environment | path dirname | path basename | str replace --regex '-[^-]*$' ''
    if $env.PYTHONHOME? != null {
        $env._ENVMGR.pythonhome = $env.PYTHONHOME
        hide-env PYTHONHOME
    }
}

# Undo what entering did, by value; anything that the user changed meanwhile stays.
def --env _envmgr_leave [] {
    let active = $env._ENVMGR.active
    if $active == '' { return }
    _envmgr_strip $"($active)/bin"
    $env._ENVMGR.removed = if $"($active)/bin" in (_envmgr_path) { '' } else { $active }
    $env._ENVMGR.active = ''
    hide-env --ignore-errors VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    if $env._ENVMGR.pythonhome != null and $env.PYTHONHOME? == null { $env.PYTHONHOME = $env._ENVMGR.pythonhome }
    $env._ENVMGR.pythonhome = null
}

# Activate the environment of the directory, or none. An environment that the user activated is left alone.
def --env _envmgr_update [] {
    let there = $env.VIRTUAL_ENV? | default ''
    if $there != '' and $there != $env._ENVMGR.active {
        if not ($there | str starts-with $"($_envmgr_home)/envs/") {
            if $env._ENVMGR.active != '' { _envmgr_strip --last $"($env._ENVMGR.active)/bin" }
            $env._ENVMGR.active = ''
            return
        }
        _envmgr_leave # inherited, or restored by a tool that saves old values
        $env._ENVMGR.active = $there
        _envmgr_leave
    }
    let wanted = _envmgr_wanted
    if $wanted != $env._ENVMGR.active {
        _envmgr_leave
        if $wanted != '' { _envmgr_enter $wanted }
    } else if $wanted != '' {
        if $there != $wanted or $"($wanted)/bin" not-in (_envmgr_path) { # PATH was reset, or the variable
            _envmgr_leave
            _envmgr_enter $wanted
        }
    } else if $env._ENVMGR.removed != '' {
        _envmgr_strip $"($env._ENVMGR.removed)/bin"
    }
}

# Call envmgr for the store of this hook.
def --wrapped _envmgr_call [...words: string] {
    with-env { ENVMGR_HOME: ($env.ENVMGR_HOME? | default $_envmgr_home) } { ^$"($_envmgr_home)/shell/envmgr" ...$words }
}

# envmgr shell [VERSION | --unset | -]
def --env _envmgr_shell [...words: string] {
    let word = $words.0
    let last = $env.ENVMGR_VERSION? | default ''
    let new = match $word {
        '-' => $env._ENVMGR.before,
        '--unset' => '',
        _ => {
            with-env { ENVMGR_HOME: ($env.ENVMGR_HOME? | default $_envmgr_home) } {
                ^$"($_envmgr_home)/shell/envmgr" find $word o> /dev/null
            }
            $words | str join ' '
        }
    }
    if $new == '' { hide-env --ignore-errors ENVMGR_VERSION } else { $env.ENVMGR_VERSION = $new }
    $env._ENVMGR.before = $last
}

# The verbs that only this shell can do; everything else is the program's.
def --env --wrapped envmgr [...words: string] {
    match ($words | get --optional 0 | default '') {
        'activate' => { $env._ENVMGR.off = '' }
        'deactivate' => { $env._ENVMGR.off = $"($env._ENVMGR.project)/" }
        'shell' if ($words | length) >= 2 => { _envmgr_shell ...($words | skip 1) }
        'unload' => {
            $env._ENVMGR.unloaded = true
            _envmgr_strip $"($_envmgr_home)/shims"
        }
        'shell' => { return ($env.ENVMGR_VERSION? | default '') }
        'doctor' => { return (with-env { _ENVMGR_SHELL: $"nu ($nu.pid)" } { _envmgr_call ...$words }) }
        _ => { return (_envmgr_call ...$words) }
    }
    _envmgr_update
}

def --env deactivate [] { envmgr deactivate }

# A shell that reads this file again keeps its state.
if $nu.is-interactive and ($env._ENVMGR? == null or $env._ENVMGR.unloaded) {
    $env._ENVMGR = {
        active: '', removed: '', project: '', visit: '', notified: false, off: '', before: '', pythonhome: null,
        unloaded: false
    }
    # The shims come first on PATH; an environment goes before them when it is entered.
    _envmgr_strip $"($_envmgr_home)/shims"
    $env.PATH = _envmgr_path | prepend $"($_envmgr_home)/shims"
    $env.config.hooks.pre_prompt = $env.config.hooks.pre_prompt? | default [] | prepend {|| _envmgr_update }
}
