# The part of the hook that hook.fish reads at the first use, once there is a project, an environment or a command: what to do about them. A
# shell that was started before an update reads the new hook.fish first.

if test "$_envmgr_edition" != 0.1.0
    set -g _envmgr_reading 1
    builtin source "$_envmgr_home/shell/hook.fish"
    set -e _envmgr_reading
    test "$_envmgr_edition" = 0.1.0; or return 0 # an update is just being written
    set _envmgr_again 1
end

# Whether VIRTUAL_ENV, which is not as we left it, is ours to take away: inherited, or restored by another tool that restores
# old values. What the user has activated is theirs, also if it is one of ours.
function _envmgr_ours
    if not set -q _OLD_VIRTUAL_PATH
        and begin
            test "$VIRTUAL_ENV" = "$_ENVMGR_ENV"
            or string match -rq -- '^'(string escape --style=regex -- "$_envmgr_home/envs/") "$VIRTUAL_ENV"
        end
        _envmgr_leave
        set _envmgr_env $VIRTUAL_ENV
        _envmgr_leave
        return 0
    end
    test -n "$_envmgr_env"; and _envmgr_yield
    set _envmgr_env ''
    set -e _ENVMGR_ENV
    return 1
end

# The user has activated another environment, or ours, by hand: leave it. Undo what we did, also where the
# activate script has put it aside, so that its `deactivate` does not bring ours back.
function _envmgr_yield
    _envmgr_strip PATH "$_envmgr_env/bin" last
    if set -q _OLD_VIRTUAL_PATH
        _envmgr_strip _OLD_VIRTUAL_PATH "$_envmgr_env/bin"
        set -q _ENVMGR_PYTHONHOME; and set -gx _OLD_VIRTUAL_PYTHONHOME $_ENVMGR_PYTHONHOME
    end
    set -e _ENVMGR_PYTHONHOME
    set -e _envmgr_deactivate
end

# Take from PATH what direnv and other tools that restore old values have brought back: what we took from it, and what we
# put there, the second time.
function _envmgr_clean
    set -q CONDA_PREFIX; and test -n "$_envmgr_env"; and _envmgr_conda # PATH has changed
    for removed in $_envmgr_removed
        while test "$removed" != "$_envmgr_env"; and contains -- "$removed/bin" $PATH
            _envmgr_strip PATH "$removed/bin"
        end
    end
    test -n "$_envmgr_env" -a -z "$_envmgr_duplicate"; or return 0
    set -l places
    for entry in $PATH
        test "$entry" = "$_envmgr_env/bin"; and set -a places $entry
    end
    while set -q places[2]
        _envmgr_strip PATH $places[1] last
        set -e places[1]
    end
end

# DIRECTORY FILE: whether this version file holds a word; then it rules, or the variable does. `!` stands for what shells do
# not read: unreadable, too long, with a NUL in it.
function _envmgr_read_pin -a place file
    set -l IFS ''
    set -l text '!'
    set -l rest ''
    if test -r "$file"
        begin
            read -z -n 8193 text
            read -z -n 1 rest
            and set text '!'
        end <"$file"
        if string match -qr '(?s)^.{2049}' -- "$text" # count bytes, of which a character may have four
            set rest (string replace -ar '[\x{80}-\x{7ff}]' xx -- "$text")
            set rest (string replace -ar '[\x{800}-\x{ffff}]' xxx -- "$rest")
            set rest (string replace -ar '[\x{10000}-\x{10ffff}]' xxxx -- "$rest")
            test (string length -- "$rest") -le 8192; or set text '!'
        end
    end
    if test "$text" != "$_envmgr_text"
        set _envmgr_text "$text"
        set _envmgr_words ''
        string match -rq '^(?<_envmgr_words>[A-Za-z0-9.]+)\n?$' -- "$text" # most hold one word; no substitution (fish 3.2)
        test -n "$_envmgr_words"; or set _envmgr_words (_envmgr_parse "$text")
    end
    test -n "$_envmgr_words"; or return
    set _envmgr_project "$place"
    set _envmgr_pin "$_envmgr_words"
    set _envmgr_file "$file"
    test -n "$ENVMGR_VERSION"; or return 0
    if test "$ENVMGR_VERSION" != "$_envmgr_variable"
        set _envmgr_variable "$ENVMGR_VERSION"
        set _envmgr_pinned (_envmgr_parse "$ENVMGR_VERSION")
    end
    test -z "$_envmgr_pinned"; or set _envmgr_pin "$_envmgr_pinned"
    return 0
end

# TEXT: print the words of a version file, joined by one blank.
function _envmgr_parse -a text
    set -l IFS \n
    set text (string replace -r '^\x{feff}' '' -- "$text" | string replace -r '#.*' '')
    echo (string match -ar '[^ \t\r\n]+' -- $text)
end

# [quietly]: set _envmgr_wanted to the environment on record, if it works; else print a note, once per visit.
function _envmgr_lookup -a quietly
    test -n "$_envmgr_pin"; or set _envmgr_project (string replace -r '/$' '' -- "$_envmgr_allowed")
    if test "$_envmgr_visit" != "$_envmgr_project/$_envmgr_pin"
        set _envmgr_visit "$_envmgr_project/$_envmgr_pin"
        set _envmgr_notified ''
        test "$_envmgr_off" = "$_envmgr_project/"; or set _envmgr_off ''
    end
    test -z "$_envmgr_off"; or return
    if test -n "$_envmgr_allowed"; and _envmgr_granted
        contains -- "$_envmgr_pin" '' system; or test -n "$_envmgr_notified$quietly"; or _envmgr_compare
        return
    end
    contains -- "$_envmgr_pin" '' system; and return # to `test` with -a, words like `!` are operators
    if _envmgr_find
        test -z "$quietly" -a "$_envmgr_notified" != git; or return
        _envmgr_unignored; or return
        set _envmgr_notified git
    else
        test -z "$_envmgr_notified$quietly"; or return
        set _envmgr_notified 1
    end
    if test -x "$_envmgr_home/shell/envmgr"
        set -l project "$_envmgr_project"
        test -n "$project"; or set project /
        "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "$project" </dev/null >&2
        _envmgr_find
    end
end

# Set _envmgr_wanted from the record; fail when there is none, or its environment does not work.
function _envmgr_find
    string match -rq '^(?!.*\.\.)[A-Za-z0-9._+<>=!~,*@ -]{1,200}$' -- "$_envmgr_pin"; or return
    set -l IFS ''
    set _envmgr_real (builtin realpath -- "$_envmgr_project/" 2>/dev/null)
    set -l folder "$_envmgr_home/projects$_envmgr_real/.envmgr"
    test "$_envmgr_real" = "$_envmgr_project"; and set _envmgr_real ''
    set _envmgr_record "$folder/$_envmgr_pin"
    test -f "$_envmgr_record"; or return
    test -L "$folder"; and return 1 # the path was a link once, and no call has seen since that it is none
    set -l env ''
    read env <"$_envmgr_record"
    set _envmgr_name ''
    string match -rq '^(?!.*\.\.)envs/(?<_envmgr_name>[A-Za-z0-9._+-]+?)(-[A-Za-z0-9._+]*)?/[A-Za-z0-9._+-]+$' -- "$env"; or return
    test -x "$_envmgr_home/$env/bin/python"; or return
    set _envmgr_wanted "$_envmgr_home/$env"
    test -n "$_envmgr_name"; or set _envmgr_name (string replace -r '^envs/(.*)-[^-]*/.*' '$1' -- "$env") # fish 3.1
    return 0
end

# Set _envmgr_wanted to the environment that was allowed, if that still holds; else say so, once per visit.
function _envmgr_granted
    set -l IFS ''
    set -l folder "$_envmgr_grant"
    set -l env ''
    if _envmgr_check "$folder"
        read env <"$folder/.allowed"
        test -n "$env"; or return
        if test -e "$folder/.checked/environment" -a -x "$env/bin/python"
            set _envmgr_wanted "$env"
            set _envmgr_name (string replace -r '.*/([^/]*)/[^/]*$' '$1' -- "$env" | string replace -ar '[^A-Za-z0-9._+-]' -)
            return 0
        end
    end
    _envmgr_changed
    return 1
end

# Ask, once per visit, whether the Python of an allowed environment is what the pin asks for; the answer yes is on record.
function _envmgr_compare
    set -l IFS ''
    set -l pin ''
    test -f "$_envmgr_grant/.answers"; and read pin <"$_envmgr_grant/.answers"
    test "$pin" = "$_envmgr_pin"; and return
    set _envmgr_notified 1
    if test -x "$_envmgr_home/shell/envmgr"
        "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "$PWD" </dev/null >&2
    end
end

# FOLDER: whether no path that the grant in this record folder rests on has changed since envmgr looked at it: each has a
# stamp with its modification time, and is still ours where the list says so. Before fish 3.5 there is no `path`: once per
# directory.
function _envmgr_checked -a folder
    if not builtin -q path
        test "$_envmgr_looked" = "$PWD"
        return
    end
    set -l IFS ''
    set -l number 0
    set -l paths
    set -l stamps
    set -l line ''
    test -f "$folder/.checked/paths"; or return
    while read line
        string match -rq '^(?<mark>.)(?<file>.*)' -- "$line"; or return
        set -l stamp "$folder/.checked/$number"
        set number (math $number + 1)
        if test -e "$file" -a -e "$stamp"
            test "$mark" != + -o -O "$file"; or return
            set -a paths "$file"
            set -a stamps "$stamp"
        else if test -e "$file" -o -e "$stamp"
            return 1
        end
    end <"$folder/.checked/paths"
    test $number != 0 -a (count $paths) = (count $stamps); or return
    set -l now (path mtime -- $paths)
    set -l then (path mtime -- $stamps)
    test "$now" = "$then"
end

# FOLDER: have envmgr look again at the grant in this record folder, where something that it rests on has changed. Fails when
# the result is not known; then nothing counts as allowed.
function _envmgr_check -a folder
    _envmgr_checked "$folder"; and return
    set -g _envmgr_looked "$PWD"
    "$_envmgr_home/shell/envmgr" _recheck "$_envmgr_home" "$_envmgr_allowed" </dev/null >&2
    set -l code $status
    test $code = 10; and set _envmgr_stale "$_envmgr_allowed" # it said what does not hold any more
    contains $code 0 10
end

function _envmgr_changed
    test "$_envmgr_stale" != "$_envmgr_allowed"; or return 0
    set _envmgr_stale "$_envmgr_allowed"
    echo "envmgr: what was allowed here has changed; `envmgr allow` shows it and allows it again" >&2
end

# Print what was allowed in _envmgr_allowed: names and values.
function _envmgr_granting
    set -l IFS ''
    set -l name ''
    set -l value ''
    while read name
        string match -rq '^[A-Za-z_][A-Za-z0-9_]*$' -- "$name"; and test -f "$_envmgr_grant/.variables/$name"; or continue
        read -z value <"$_envmgr_grant/.variables/$name"
        echo "$name=$value"
    end <"$_envmgr_grant/.allowed"
end

# Whether the variables of _envmgr_allowed still are what was allowed.
function _envmgr_unchanged
    _envmgr_check "$_envmgr_grant"; and test -e "$_envmgr_grant/.checked/variables"
end

# Whether the variables that the shell before this one has set are those that are allowed now.
function _envmgr_inherited
    set -l IFS \n
    set -l value ''
    for name in (string split : -- (string replace -r ':$' '' -- "$_ENVMGR_NAMES"))
        set -l new _ENVMGR_NEW_$name
        string match -rq '^[A-Za-z_][A-Za-z0-9_]*$' -- "$name"; and test -f "$_envmgr_grant/.variables/$name"; or return
        set IFS ''
        read -z value <"$_envmgr_grant/.variables/$name"
        test "$value" = "$$new"; or return
    end
    return 0
end

# Whether the variables are to be set again: `envmgr allow` was called in another terminal, or they could not be set before.
function _envmgr_renewed
    set -l IFS ''
    set -l values (_envmgr_granting)
    test -z "$_envmgr_values" -a -n "$_ENVMGR_NAMES"; and _envmgr_inherited; and _envmgr_load
    test "$values" = "$_envmgr_values"; or return 0
    test -n "$_envmgr_refused"; and _envmgr_unchanged
end

# Set the variables that were allowed in _envmgr_allowed, if the files that they come from are still the same.
function _envmgr_load
    set -l IFS ''
    set -l folder "$_envmgr_grant"
    set _envmgr_loaded "$_envmgr_allowed"
    set _envmgr_values (_envmgr_granting)
    set _envmgr_refused ''
    if test -d "$folder/.variables"; and not _envmgr_unchanged
        set _envmgr_refused 1
        _envmgr_changed
        return 0
    end
    set -l name ''
    set -l value ''
    while read name
        string match -rq '^[A-Za-z_][A-Za-z0-9_]*$' -- "$name"; and test -f "$folder/.variables/$name"; or continue
        read -z value <"$folder/.variables/$name"
        set -q $name; and test "$$name" = "$value"; and continue
        string match -q -- "*:$name:*" ":$_ENVMGR_NAMES"; and continue # inherited
        if set -qx $name
            set -gx _ENVMGR_OLD_$name $$name
        else if set -q $name
            set -g _envmgr_own_$name $$name
        end
        # exported: a shell started in this one undoes them, too
        set -gx $name "$value"
        set -gx _ENVMGR_NEW_$name "$value"
        set -gx _ENVMGR_NAMES "$_ENVMGR_NAMES$name:"
        set -gx _ENVMGR_PLACE "$_envmgr_allowed"
    end <"$folder/.allowed"
end

# Undo _envmgr_load by value: what the user has changed since stays.
function _envmgr_drop
    set -l IFS \n
    for name in (string split : -- "$_ENVMGR_NAMES")
        string match -rq '^[A-Za-z_][A-Za-z0-9_]*$' -- "$name"; or continue
        set -l new _ENVMGR_NEW_$name
        set -l old _ENVMGR_OLD_$name
        set -l own _envmgr_own_$name
        if test "$$name" = "$$new"
            set -eg $name
            if set -q $own
                set -g $name $$own
            else if set -q $old
                set -gx $name $$old
            end
        end
        set -e $new
        set -e $old
        set -e $own
    end
    set -e _ENVMGR_NAMES
    set -e _ENVMGR_PLACE
    set _envmgr_loaded ''
end

# Make the shell have what _envmgr_wanted and _envmgr_allowed say. PATH may have been reset, or VIRTUAL_ENV.
function _envmgr_change
    if test "$_envmgr_allowed" != "$_envmgr_loaded"; or begin test -n "$_envmgr_allowed"; and _envmgr_renewed; end
        _envmgr_leave
        _envmgr_drop
        test -z "$_envmgr_allowed"; or _envmgr_load
    end
    if test "$_envmgr_wanted" = "$_envmgr_env"
        test -z "$_envmgr_env"; and return
        test "$VIRTUAL_ENV" = "$_envmgr_env"; and contains -- "$_envmgr_env/bin" $PATH; and return
    end
    _envmgr_leave
    test -z "$_envmgr_wanted"; or _envmgr_enter
end

# Make _envmgr_wanted, called _envmgr_name, the active environment.
function _envmgr_enter
    set _envmgr_env $_envmgr_wanted
    set _envmgr_duplicate ''
    contains -- "$_envmgr_env/bin" $PATH; and set _envmgr_duplicate 1
    set -gx PATH "$_envmgr_env/bin" $PATH
    set -gx VIRTUAL_ENV $_envmgr_env
    set -gx _ENVMGR_ENV $_envmgr_env # tells a shell started in this one that VIRTUAL_ENV is ours
    set -gx VIRTUAL_ENV_PROMPT "$_envmgr_name"
    if set -qx PYTHONHOME
        set -gx _ENVMGR_PYTHONHOME "$PYTHONHOME"
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
    if test "$PATH[1]" = "$_envmgr_env/bin"
        set -e PATH[1]
    else
        _envmgr_strip PATH "$_envmgr_env/bin"
    end
    while test -z "$_envmgr_duplicate"; and contains -- "$_envmgr_env/bin" $PATH # direnv's
        _envmgr_strip PATH "$_envmgr_env/bin"
    end
    contains -- "$_envmgr_env" $_envmgr_removed; or contains -- "$_envmgr_env/bin" $PATH; or set -a _envmgr_removed $_envmgr_env
    set _envmgr_env ''
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    set -e _ENVMGR_ENV
    set -q _ENVMGR_PYTHONHOME; and not set -q PYTHONHOME; and set -gx PYTHONHOME $_ENVMGR_PYTHONHOME
    set -e _ENVMGR_PYTHONHOME
    set -q _envmgr_deactivate; and functions -e deactivate
    set -e _envmgr_deactivate
end

# After `conda activate` in the project, its environment is in front of ours: stay off, as after `deactivate`.
function _envmgr_conda
    set -l theirs (contains -i -- "$CONDA_PREFIX/bin" $PATH); or return
    set -l ours (contains -i -- "$_envmgr_env/bin" $PATH); or return
    test $theirs -gt $ours; or set _envmgr_off "$_envmgr_project/"
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
            _envmgr_call $argv; or return
            contains -- "$argv[1]" allow deny; or return 0
            _envmgr_leave
            _envmgr_drop
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

set _envmgr_more_loaded 1
