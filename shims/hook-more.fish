# What hook.fish reads at the first use: what `envmgr allow` granted, an environment that the user activated, the command
# `envmgr`, unloading. The edition goes up whenever the two files no longer fit together.

test "$_envmgr_edition" = 1; or return 0

# Set _envmgr_wanted to the environment that was allowed, if it still is what was shown; else say so, once per visit.
function _envmgr_granted
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
        set _envmgr_name (string replace -r '.*/([^/]*)/[^/]*$' '$1' -- "$env" | string replace -ar '[^A-Za-z0-9._+-]' -)
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

# The user has activated another environment, or ours, by hand: it is theirs. Take back what we did, also where the
# activate script has put it aside, so that its `deactivate` does not bring ours back.
function _envmgr_yield
    _envmgr_strip PATH "$_envmgr_env/bin" last
    if set -q _OLD_VIRTUAL_PATH
        _envmgr_strip _OLD_VIRTUAL_PATH "$_envmgr_env/bin"
        set -q _envmgr_pythonhome; and set -gx _OLD_VIRTUAL_PYTHONHOME $_envmgr_pythonhome
    end
    set -e _envmgr_pythonhome
    set -e _envmgr_deactivate
end

# The verbs that only this shell can do; everything else is the program's.
function _envmgr_verb
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
            set _envmgr_pwd ''
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
            _envmgr_verb find "$argv[1]" >/dev/null; or return
            set -gx ENVMGR_VERSION "$argv"
    end
    test -n "$ENVMGR_VERSION"; or set -e ENVMGR_VERSION
    set _envmgr_before "$before"
    return 0
end

# Undo what sourcing did.
function _envmgr_unload
    _envmgr_leave
    _envmgr_drop
    _envmgr_strip PATH "$_envmgr_home/shims"
    complete -c envmgr -e
    functions -e (functions -an | string match '_envmgr_*') envmgr
    set -e (set -gn | string match '_envmgr_*')
end

set _envmgr_whole 1
