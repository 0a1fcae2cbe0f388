# envmgr for fish 3.0 and later. Put into ~/.config/fish/config.fish:  source ~/.local/share/envmgr/shell/hook.fish
#
# Before each prompt and after each change of directory, with builtins alone: walk up to the nearest .python-version,
# look its words up among the records (docs/reference/state-on-disk.md), and enter or leave the environment found there.
# At a prompt, one call of `envmgr _enter` for a project that has no record; it prints notes and may write one. Nothing
# of a project, and no data, is ever evaluated. hook.bash tells the same.
#
# Command substitutions of builtins do not fork; an empty IFS keeps their output whole, newlines included. Functions do
# not see the variables of their callers, hence the globals. fish itself keeps $status and $pipestatus for the user.

status is-interactive; or return 0

# the environment that we put on PATH, whether it was there already, and all that we took from it
set -g _envmgr_env ''
set -g _envmgr_gone
set -g _envmgr_twice ''
# what was looked at last: directory and its version files, text, variable; and the words of both
set -g _envmgr_pwd ''
set -g _envmgr_files
set -g _envmgr_text ''
set -g _envmgr_words ''
set -g _envmgr_variable ''
set -g _envmgr_pinned ''
# what rules now: project and words; the environment that they ask for
set -g _envmgr_project ''
set -g _envmgr_ruling ''
set -g _envmgr_wanted ''
# project and words of this visit, whether the user was told about them, and where the user does not want it
set -g _envmgr_visit ''
set -g _envmgr_told ''
set -g _envmgr_off ''
# the variable before `envmgr shell`
set -g _envmgr_before ''
# the directory surveyed last; the one in it or above it that `envmgr allow` was told of, one with a .venv that it was not
# told of, and one where what was allowed has changed; the one whose variables are set, and their names
set -g _envmgr_surveyed ''
set -g _envmgr_allowed ''
set -g _envmgr_foreign ''
set -g _envmgr_stale ''
set -g _envmgr_loaded ''
set -g _envmgr_names
# what an idle prompt compares: variables; where no version file was, and the file that ruled; the record that was missing
set -g _envmgr_seen ''
set -g _envmgr_nearer
set -g _envmgr_file ''
set -g _envmgr_waited ''

function _envmgr_locate
    set -l IFS ''
    set -l file (status filename)
    string match -q '/*/shell/hook.fish' -- "$file"; or set file (builtin realpath -- "$file")
    set -g _envmgr_home (string replace -r '/shell/hook\.fish$' '' -- "$file")
    set -g _envmgr_ours '^'(string escape --style=regex -- "$_envmgr_home/envs/")
    test -O /; and set -g _envmgr_root 1; or set -g _envmgr_root ''
    functions -e _envmgr_locate
end
_envmgr_locate

function _envmgr_prompt --on-event fish_prompt
    _envmgr_idle; and return
    _envmgr_update
    set _envmgr_seen "$PWD:$VIRTUAL_ENV:$ENVMGR_VERSION:$ENVMGR_HOOK:$_OLD_VIRTUAL_PATH:$PATH"
end

# Whether nothing has changed since the last time: no variable, no nearer version file, not what the one says that rules,
# and the environment is still there, or still is not. What was allowed is looked at every time.
function _envmgr_idle
    test "$PWD:$VIRTUAL_ENV:$ENVMGR_VERSION:$ENVMGR_HOOK:$_OLD_VIRTUAL_PATH:$PATH" = "$_envmgr_seen"; or return
    test "$ENVMGR_HOOK" = cd; and return # for slow filesystems
    for file in $_envmgr_nearer
        test -f $file; and return 1
    end
    if test -n "$_envmgr_file"
        set -l IFS ''
        set -l text ''
        test -f "$_envmgr_file" -a -r "$_envmgr_file"; or return
        read -z -n 8193 text <"$_envmgr_file"
        test "$text" = "$_envmgr_text"; or return
    end
    if test -n "$_envmgr_env"
        test -x "$_envmgr_env/bin/python" -a -z "$_envmgr_allowed"
    else
        not test -f "$_envmgr_waited"
    end
end

# `cd project; python` on one line. A call of envmgr waits for the prompt.
function _envmgr_cd --on-variable PWD
    status is-command-substitution; and return
    _envmgr_update quietly
    test -z "$_envmgr_env" -a -n "$_envmgr_waited"; and return # something is left to tell
    set _envmgr_seen "$PWD:$VIRTUAL_ENV:$ENVMGR_VERSION:$ENVMGR_HOOK:$_OLD_VIRTUAL_PATH:$PATH"
end

# [quietly]: make the shell have active what the directory asks for.
function _envmgr_update -a quietly
    if set -q _OLD_VIRTUAL_PATH; and test -n "$VIRTUAL_ENV"
        _envmgr_yield
        return
    end
    if test -n "$VIRTUAL_ENV"; and test "$VIRTUAL_ENV" != "$_envmgr_env"
        if not string match -rq -- "$_envmgr_ours" "$VIRTUAL_ENV"
            _envmgr_yield
            return
        end
        _envmgr_leave # inherited, or brought back by somebody who restores old values
        set _envmgr_env $VIRTUAL_ENV
        _envmgr_leave
    end
    set _envmgr_wanted ''
    if test "$ENVMGR_HOOK" = off
        set _envmgr_surveyed ''
        set _envmgr_allowed ''
        set _envmgr_visit ''
        set _envmgr_off ''
    else
        test "$PWD" = "$_envmgr_surveyed"; or _envmgr_survey
        if _envmgr_walk; or test -n "$_envmgr_allowed"
            _envmgr_lookup $quietly
        else
            set _envmgr_visit ''
            set _envmgr_off ''
        end
    end
    if test "$_envmgr_allowed" != "$_envmgr_loaded"
        _envmgr_leave
        _envmgr_drop
        test -z "$_envmgr_allowed"; or _envmgr_load
    end
    if test "$_envmgr_wanted" != "$_envmgr_env"
        _envmgr_leave
        test -z "$_envmgr_wanted"; and _envmgr_clean; or _envmgr_enter
    else if test -n "$_envmgr_wanted"
        if test "$VIRTUAL_ENV" = "$_envmgr_wanted"; and contains -- "$_envmgr_wanted/bin" $PATH
            _envmgr_clean
            return
        end
        _envmgr_leave # PATH was reset, or the variable
        _envmgr_enter
    else
        _envmgr_clean
    end
end

# Take from PATH what direnv and other tools that restore old values have brought back.
function _envmgr_clean
    for gone in $_envmgr_gone
        while test "$gone" != "$_envmgr_env"; and contains -- "$gone/bin" $PATH
            _envmgr_strip PATH "$gone/bin"
        end
    end
    set -l places
    for entry in $PATH
        test "$entry" = "$_envmgr_env/bin" -a -z "$_envmgr_twice"; and set -a places $entry
    end
    while set -q places[2]
        _envmgr_strip PATH $places[1] last
        set -e places[1]
    end
    return 0
end

# Set _envmgr_project and _envmgr_ruling from the nearest version file that holds a word; fail when there is none. Root
# leaves the files of others alone. `!` stands for what shells do not read: unreadable, too long, with a NUL in it.
function _envmgr_walk
    set -l IFS ''
    test "$PWD" = "$_envmgr_pwd"; or _envmgr_places
    set -l text
    set -l rest
    set _envmgr_ruling ''
    set _envmgr_nearer
    set _envmgr_file ''
    set _envmgr_waited ''
    for file in $_envmgr_files
        if not test -f "$file"
            set -a _envmgr_nearer "$file"
            continue
        end
        test -z "$_envmgr_root" -o -O "$file"; or continue
        set text '!'
        if test -r "$file"
            begin
                read -z -n 8193 text
                read -z -n 1 rest
                and set text '!'
            end <"$file"
        end
        if test "$text" != "$_envmgr_text"
            set _envmgr_text "$text"
            set _envmgr_words (_envmgr_parse "$text")
        end
        if test -n "$_envmgr_words"
            set _envmgr_project (string replace -r '/\.python-version$' '' -- "$file")
            set _envmgr_ruling "$_envmgr_words"
            set _envmgr_file "$file"
            break
        end
    end
    if test -z "$_envmgr_ruling"
        set _envmgr_project (string replace -r '/$' '' -- "$_envmgr_allowed")
        return 1
    end
    if test -n "$ENVMGR_VERSION"
        if test "$ENVMGR_VERSION" != "$_envmgr_variable"
            set _envmgr_variable "$ENVMGR_VERSION"
            set _envmgr_pinned (_envmgr_parse "$ENVMGR_VERSION")
        end
        test -z "$_envmgr_pinned"; or set _envmgr_ruling "$_envmgr_pinned"
    end
    return 0 # `set` keeps the status of what came before it
end

# Set _envmgr_files to the version files that there may be, from here upwards.
function _envmgr_places
    set -l IFS ''
    set -l place (string replace -r '/$' '' -- "$PWD")
    set _envmgr_files
    while not _envmgr_ceiling "$place"
        set -a _envmgr_files "$place/.python-version"
        test -n "$place"; or break
        set place (string replace -r '/[^/]*$' '' -- "$place")
    end
    set _envmgr_pwd "$PWD"
end

# DIRECTORY: whether nothing is to be looked for here and above.
function _envmgr_ceiling -a place
    test -n "$place"; or set place /
    test -n "$ENVMGR_CEILING_DIRS"; and contains -- "$place" (string split : -- "$ENVMGR_CEILING_DIRS")
end

# TEXT: print the words of a version file, joined by one blank.
function _envmgr_parse -a text
    set -l IFS \n
    set text (string replace -r '^\x{feff}' '' -- "$text" | string replace -r '#.*' '')
    echo (string match -ar '[^ \t\r\n]+' -- $text)
end

# [quietly]: set _envmgr_wanted to the environment on record, if it works; else tell about that, once per visit.
function _envmgr_lookup -a quietly
    if test "$_envmgr_visit" != "$_envmgr_project/$_envmgr_ruling"
        set _envmgr_visit "$_envmgr_project/$_envmgr_ruling"
        set _envmgr_told ''
        test "$_envmgr_off" = "$_envmgr_project/"; or set _envmgr_off ''
    end
    test -z "$_envmgr_off"; or return
    _envmgr_granted; and return
    test -n "$_envmgr_ruling" -a "$_envmgr_ruling" != system; or return
    _envmgr_record; and return
    test -z "$_envmgr_told$quietly"; or return
    set _envmgr_told 1
    if test -x "$_envmgr_home/shell/envmgr"
        set -l project "$_envmgr_project"
        test -n "$project"; or set project /
        "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "$project" </dev/null >&2
        _envmgr_record
    end
end

# Set _envmgr_wanted from the record; fail when there is none, or its environment does not work.
function _envmgr_record
    string match -rq '^[A-Za-z0-9._+<>=!~,*@ -]{1,200}$' -- "$_envmgr_ruling"; or return
    string match -q '*..*' -- "$_envmgr_ruling"; and return 1
    set -l record "$_envmgr_home/projects$_envmgr_project/.envmgr/$_envmgr_ruling"
    set _envmgr_waited "$record"
    test -f "$record"; or return
    set -l IFS ''
    set -l env ''
    read env <"$record"
    string match -q 'envs/?*' -- "$env"; and not string match -q '*..*' -- "$env"; or return
    test -x "$_envmgr_home/$env/bin/python"; or return
    set _envmgr_wanted "$_envmgr_home/$env"
end

# Look around in a directory that is new: set _envmgr_allowed to the nearest one, no further than the project, that
# `envmgr allow` was told of. A .venv that it was not told of is mentioned once per visit; in a project `_enter` does that.
function _envmgr_survey
    set -l IFS ''
    set -l foreign ''
    set -l place (string replace -r '/$' '' -- "$PWD")
    set _envmgr_surveyed "$PWD"
    set _envmgr_allowed ''
    while not _envmgr_ceiling "$place"
        if test -f "$_envmgr_home/projects$place/.envmgr/.allowed"
            set _envmgr_allowed "$place/"
            break
        end
        test -f "$place/.python-version" -o -z "$place"; and break
        test -z "$foreign" -a -f "$place/.venv/pyvenv.cfg"; and set foreign "$place/"
        set place (string replace -r '/[^/]*$' '' -- "$place")
    end
    if test -n "$foreign" -a "$foreign" != "$_envmgr_foreign"
        echo "envmgr: there is a .venv here that is not envmgr's; `envmgr allow` has it activated" >&2
    end
    set _envmgr_foreign "$foreign"
    test "$_envmgr_stale" = "$_envmgr_allowed"; or set _envmgr_stale ''
end

# Set _envmgr_wanted to the environment that was allowed, if it still is what was shown; else say so, once per visit.
function _envmgr_granted
    test -n "$_envmgr_allowed"; or return
    set -l IFS ''
    set -l folder "$_envmgr_home/projects$_envmgr_allowed.envmgr"
    set -l env ''
    set -l python ''
    begin
        read env
        read python
    end <"$folder/.allowed"
    test -n "$env"; or return
    if test -x "$env/bin/python"; and test (builtin realpath -- "$env/bin/python") = "$python"
        and _envmgr_same "$folder/.copies/pyvenv.cfg" "$env/pyvenv.cfg"
        set _envmgr_wanted "$env"
        return 0
    end
    _envmgr_changed
    return 1
end

# COPY FILE: whether the file is still what it was when it was allowed.
function _envmgr_same -a copy file
    test -f "$file" -a -r "$file"; or return
    set -l then ''
    set -l now ''
    read -z then <"$copy"
    read -z now <"$file"
    test "$then" = "$now"
end

function _envmgr_changed
    test "$_envmgr_stale" != "$_envmgr_allowed"; or return 0
    set _envmgr_stale "$_envmgr_allowed"
    echo "envmgr: what was allowed here has changed; `envmgr allow` shows it and allows it again" >&2
end

# Set the variables that were allowed in _envmgr_allowed, if the files that they come from are still the same.
function _envmgr_load
    set -l IFS ''
    set -l folder "$_envmgr_home/projects$_envmgr_allowed.envmgr"
    set _envmgr_loaded "$_envmgr_allowed"
    for name in pyproject.toml .env
        if test -f "$folder/.copies/$name"; and not _envmgr_same "$folder/.copies/$name" "$_envmgr_allowed$name"
            _envmgr_changed
            return 0
        end
    end
    set -l name ''
    set -l value ''
    while read name
        string match -rq '^[A-Za-z_][A-Za-z0-9_]*$' -- "$name"; and test -f "$folder/.variables/$name"; or continue
        read -z value <"$folder/.variables/$name"
        set -q $name; and test "$$name" = "$value"; and continue
        set -q $name; and set -g _envmgr_old_$name $$name
        set -q $name; and not set -qx $name; and set -g _envmgr_own_$name 1
        set -gx $name "$value"
        set -g _envmgr_new_$name "$value"
        set -a _envmgr_names $name
    end <"$folder/.allowed"
end

# Undo _envmgr_load by value: what the user has changed since stays.
function _envmgr_drop
    for name in $_envmgr_names
        set -l new _envmgr_new_$name
        set -l old _envmgr_old_$name
        if test "$$name" = "$$new"
            set -eg $name
            if set -q _envmgr_own_$name
                set -g $name $$old
            else if set -q $old
                set -gx $name $$old
            end
        end
        set -e $new
        set -e $old
        set -e _envmgr_own_$name
    end
    set _envmgr_names
    set _envmgr_loaded ''
end

# Make _envmgr_wanted the active environment.
function _envmgr_enter
    _envmgr_clean
    set -g _envmgr_env $_envmgr_wanted
    set _envmgr_twice ''
    contains -- "$_envmgr_env/bin" $PATH; and set _envmgr_twice 1
    set -gx PATH "$_envmgr_env/bin" $PATH
    set -gx VIRTUAL_ENV $_envmgr_env
    set -l name (string replace -r '.*/([^/]*)/[^/]*$' '$1' -- "$_envmgr_env")
    string match -rq -- "$_envmgr_ours" "$_envmgr_env"; and set name (string replace -r -- '-[^-]*$' '' "$name")
    set -gx VIRTUAL_ENV_PROMPT (string replace -ar -- '[^A-Za-z0-9._+-]' - "$name")
    if set -qx PYTHONHOME
        set -g _envmgr_pythonhome "$PYTHONHOME"
        set -e PYTHONHOME
    end
    if not functions -q deactivate
        set -g _envmgr_deactivate 1
        function deactivate -a how
            test "$how" = nondestructive; or envmgr deactivate
        end
    end
end

# Undo what _envmgr_enter did, by value; anything that the user changed meanwhile stays.
function _envmgr_leave
    test -n "$_envmgr_env"; or return 0
    _envmgr_strip PATH "$_envmgr_env/bin"
    contains -- "$_envmgr_env" $_envmgr_gone; or contains -- "$_envmgr_env/bin" $PATH; or set -a _envmgr_gone $_envmgr_env
    set _envmgr_env ''
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    set -q _envmgr_pythonhome; and not set -q PYTHONHOME; and set -gx PYTHONHOME $_envmgr_pythonhome
    set -e _envmgr_pythonhome
    set -q _envmgr_deactivate; and functions -e deactivate
    set -e _envmgr_deactivate
end

# The user has activated another environment, or ours, by hand: it is theirs. Take back what we did, also where the
# activate script has put it aside, so that its `deactivate` does not bring ours back.
function _envmgr_yield
    test -n "$_envmgr_env"; or return 0
    _envmgr_strip PATH "$_envmgr_env/bin" last
    if set -q _OLD_VIRTUAL_PATH
        _envmgr_strip _OLD_VIRTUAL_PATH "$_envmgr_env/bin"
        set -q _envmgr_pythonhome; and set -gx _OLD_VIRTUAL_PYTHONHOME $_envmgr_pythonhome
    end
    set _envmgr_env ''
    set -e _envmgr_pythonhome
    set -e _envmgr_deactivate
end

# VARIABLE DIRECTORY [last]: take the first, or last, occurrence of it from the list.
function _envmgr_strip -a variable directory last
    if test -n "$last"
        set -l place (contains -i -- "$directory" $$variable[1][-1..1]); and set -e {$variable}[-$place]
    else
        set -l place (contains -i -- "$directory" $$variable); and set -e {$variable}[$place]
    end
end

# The verbs that only this shell can do; everything else is the program's.
function envmgr
    set _envmgr_seen ''
    switch "$argv[1]"
        case activate
            set _envmgr_off ''
        case deactivate
            set _envmgr_off "$_envmgr_project/"
        case shell
            _envmgr_shell $argv[2..-1]; or return
        case unload
            _envmgr_unload
            return
        case '*'
            test -n "$ENVMGR_HOME"; or set -lx ENVMGR_HOME $_envmgr_home
            test "$argv[1]" = doctor; and set -lx _ENVMGR_SHELL "fish $fish_pid"
            set -l program (command -s envmgr); or set program "$_envmgr_home/shell/envmgr"
            command $program $argv; or return
            contains -- "$argv[1]" allow deny; or return 0
            _envmgr_leave
            _envmgr_drop
            set _envmgr_surveyed ''
    end
    _envmgr_update
    return 0
end

# [VERSION | --unset | -]: set ENVMGR_VERSION in this shell, unset it, swap it with the one before; or print it.
function _envmgr_shell
    set -l before "$ENVMGR_VERSION"
    switch "$argv[1]"
        case ''
            echo $before
        case --unset
            set -e ENVMGR_VERSION
        case -
            set -gx ENVMGR_VERSION $_envmgr_before
        case '*'
            envmgr find "$argv[1]" >/dev/null; or return
            set -gx ENVMGR_VERSION "$argv"
    end
    test -n "$ENVMGR_VERSION"; or set -e ENVMGR_VERSION
    set _envmgr_before "$before"
    return 0
end

# The first Tab loads the rest.
function _envmgr_complete
    builtin source "$_envmgr_home/shell/completion.fish"
    _envmgr_complete
end
complete -c envmgr -f -a '(_envmgr_complete)'

# Undo what sourcing this file did.
function _envmgr_unload
    _envmgr_leave
    _envmgr_drop
    _envmgr_strip PATH "$_envmgr_home/shims"
    complete -c envmgr -e
    functions -e (functions -an | string match '_envmgr_*') envmgr
    set -e (set -gn | string match '_envmgr_*')
end

# The shims come first on PATH; an environment goes before them when it is entered.
if test "$PATH[1]" != "$_envmgr_home/shims"
    _envmgr_strip PATH "$_envmgr_home/shims"
    set -gx PATH "$_envmgr_home/shims" $PATH
end
