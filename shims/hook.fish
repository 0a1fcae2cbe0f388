# envmgr for fish 3.0 and later. Put into ~/.config/fish/config.fish:  source ~/.local/share/envmgr/shell/hook.fish
#
# Before each prompt and after each change of directory, with builtins alone: walk up to the nearest .python-version,
# look its words up among the records (docs/reference/state-on-disk.md), and enter or leave the environment found there.
# At a prompt, one call of `envmgr _enter` for a project that has no record; it prints notes and may write one. Nothing
# of a project, and no data, is ever evaluated. hook.bash tells the same. What a shell seldom needs is in hook-more.fish,
# which is read at the first use: parsing is most of what sourcing costs.
#
# Command substitutions of builtins do not fork; an empty IFS keeps their output whole, newlines included. Functions do
# not see the variables of their callers, hence the globals. fish itself keeps $status and $pipestatus for the user.

status is-interactive; or return 0

# the environment that we put on PATH, and whether it was there already
# what was looked at last: text, variable; and the words of both
# what rules now: project and words; the environment that they ask for, and its name
# project and words of this visit, whether the user was told about them, and where the user does not want it
# the variable before `envmgr shell`
# the directory surveyed last; the one in it or above it that `envmgr allow` was told of, one with a .venv that it was not
# told of, and one where what was allowed has changed; the one whose variables are set
# what an idle prompt compares: variables, PATH as we left it, the version file that ruled, the record asked for
# whether hook-more.fish was read
echo | read -g _envmgr_env _envmgr_twice \
    _envmgr_text _envmgr_words _envmgr_variable _envmgr_pinned \
    _envmgr_project _envmgr_ruling _envmgr_wanted _envmgr_name \
    _envmgr_visit _envmgr_told _envmgr_off \
    _envmgr_before \
    _envmgr_pwd _envmgr_allowed _envmgr_foreign _envmgr_stale _envmgr_loaded \
    _envmgr_seen _envmgr_path _envmgr_file _envmgr_record \
    _envmgr_whole
# all that we took from PATH; directories from here upwards; where no version file was; the variables that are set
set -g _envmgr_gone
set -g _envmgr_places
set -g _envmgr_nearer
set -g _envmgr_names
# hook-more.fish must be of the same edition: it may have been replaced since this shell started
set -g _envmgr_edition 1
begin
    set -l IFS ''
    set -g _envmgr_home (status filename)
    string match -q '/*/shell/hook.fish' -- "$_envmgr_home"; or set _envmgr_home (builtin realpath -- "$_envmgr_home")
    set _envmgr_home (string replace -r '/shell/hook\.fish$' '' -- "$_envmgr_home")
end

function _envmgr_prompt --on-event fish_prompt
    _envmgr_idle; and return
    _envmgr_update
    set _envmgr_seen "$PWD:$VIRTUAL_ENV:$ENVMGR_VERSION:$ENVMGR_HOOK:$PATH"
end

# Whether nothing has changed since the last time: no variable, no nearer version file, not what the one says that rules,
# and the environment is still there and on record, or still is not. What was allowed is looked at every time.
function _envmgr_idle
    test "$PWD:$VIRTUAL_ENV:$ENVMGR_VERSION:$ENVMGR_HOOK:$PATH" = "$_envmgr_seen"; or return
    test "$ENVMGR_HOOK" = cd; and return # for slow filesystems
    for file in $_envmgr_nearer
        test -f $file; and return 1
    end
    set -l IFS ''
    set -l text ''
    if test -n "$_envmgr_file"
        test -f "$_envmgr_file" -a -r "$_envmgr_file"; or return
        read -z -n 8193 text <"$_envmgr_file"
        test "$text" = "$_envmgr_text"; or return
    end
    if test -n "$_envmgr_env"
        test -x "$_envmgr_env/bin/python" -a -z "$_envmgr_allowed" -a -f "$_envmgr_record"; or return
        read text <"$_envmgr_record"
        test "$_envmgr_home/$text" = "$_envmgr_env"
    else
        not test -f "$_envmgr_record"
    end
end

# `cd project; python` on one line. A call of envmgr waits for the prompt.
function _envmgr_cd --on-variable PWD
    status is-command-substitution; and return
    _envmgr_update quietly
    test -z "$_envmgr_env" -a -n "$_envmgr_record"; and return # something is left to tell
    set _envmgr_seen "$PWD:$VIRTUAL_ENV:$ENVMGR_VERSION:$ENVMGR_HOOK:$PATH"
end

# [quietly]: make the shell have active what the directory asks for.
function _envmgr_update -a quietly
    if test -n "$VIRTUAL_ENV"
        set -l ours ''
        test "$VIRTUAL_ENV" = "$_envmgr_env"; or _envmgr_in_store "$VIRTUAL_ENV"; and set ours 1
        if set -q _OLD_VIRTUAL_PATH; or test -z "$ours"
            test -n "$_envmgr_env"; and _envmgr_more; and _envmgr_yield
            set _envmgr_env ''
            return
        else if test "$VIRTUAL_ENV" != "$_envmgr_env"
            _envmgr_leave # inherited, or brought back by somebody who restores old values
            set _envmgr_env $VIRTUAL_ENV
            _envmgr_leave
        end
    end
    test "$PATH" = "$_envmgr_path"; or _envmgr_clean
    set _envmgr_wanted ''
    if test "$ENVMGR_HOOK" = off
        set _envmgr_pwd ''
        set _envmgr_allowed ''
        set _envmgr_visit ''
        set _envmgr_off ''
    else
        test "$PWD" = "$_envmgr_pwd"; or _envmgr_survey
        if _envmgr_walk; or test -n "$_envmgr_allowed"
            _envmgr_lookup $quietly
        else
            set _envmgr_visit ''
            set _envmgr_off ''
        end
    end
    if test "$_envmgr_allowed" != "$_envmgr_loaded"
        _envmgr_leave
        _envmgr_drop # it is there: only a place that is allowed makes these differ
        test -z "$_envmgr_allowed"; or _envmgr_load
    end
    if test "$_envmgr_wanted" != "$_envmgr_env"; or not _envmgr_intact
        _envmgr_leave
        test -z "$_envmgr_wanted"; or _envmgr_enter
    end
    set _envmgr_path "$PATH"
end

# Whether the environment, if there is one, is as we left it: neither PATH nor the variable was reset.
function _envmgr_intact
    test -n "$_envmgr_env"; or return 0
    test "$VIRTUAL_ENV" = "$_envmgr_env"; and contains -- "$_envmgr_env/bin" $PATH
end

# DIRECTORY: whether it is in our store.
function _envmgr_in_store -a directory
    string match -rq -- '^'(string escape --style=regex -- "$_envmgr_home/envs/") "$directory"
end

# Take from PATH what direnv and other tools that restore old values have brought back: what we took from it, and what we
# put there, the second time.
function _envmgr_clean
    for gone in $_envmgr_gone
        while test "$gone" != "$_envmgr_env"; and contains -- "$gone/bin" $PATH
            _envmgr_strip PATH "$gone/bin"
        end
    end
    test -n "$_envmgr_env" -a -z "$_envmgr_twice"; or return 0
    set -l places
    for entry in $PATH
        test "$entry" = "$_envmgr_env/bin"; and set -a places $entry
    end
    while set -q places[2]
        _envmgr_strip PATH $places[1] last
        set -e places[1]
    end
end

# Set _envmgr_project and _envmgr_ruling from the nearest version file that holds a word; fail when there is none. Root
# leaves the files of others alone. `!` stands for what shells do not read: unreadable, too long, with a NUL in it.
function _envmgr_walk
    set -l IFS ''
    set -l text
    set -l rest
    set _envmgr_ruling ''
    set _envmgr_nearer
    set _envmgr_file ''
    set _envmgr_record ''
    for place in $_envmgr_places
        set -l file $place/.python-version
        if not test -f "$file"
            set -a _envmgr_nearer "$file"
            continue
        end
        test -O "$file"; or not test -O /; or continue
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
            set _envmgr_project "$place"
            set _envmgr_ruling "$_envmgr_words"
            set _envmgr_file "$file"
            break
        end
    end
    if test -z "$_envmgr_ruling"
        test -z "$_envmgr_allowed"; or set _envmgr_project (string replace -r '/$' '' -- "$_envmgr_allowed")
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

# Set _envmgr_places to the directories in which to look, from here upwards, without a slash at the end. `read` takes PWD
# apart without a command substitution, of which each costs as much as five other commands.
function _envmgr_climb
    set -l names
    set -l place ''
    set _envmgr_places ''
    test "$PWD" = /; or echo -n "$PWD" | read -z -d / -a names
    for name in $names[2..-1]
        set place "$place/$name"
        set _envmgr_places "$place" $_envmgr_places
    end
    test -n "$ENVMGR_CEILING_DIRS"; or return
    for ceiling in (string split : -- "$ENVMGR_CEILING_DIRS")
        set -l level (contains -i -- (string replace -r '^/$' '' -- "$ceiling") $_envmgr_places)
        and set -e _envmgr_places[$level..-1]
    end
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
    test -n "$_envmgr_allowed"; and _envmgr_granted; and return
    test -n "$_envmgr_ruling" -a "$_envmgr_ruling" != system; or return
    _envmgr_find; and return
    test -z "$_envmgr_told$quietly"; or return
    set _envmgr_told 1
    if test -x "$_envmgr_home/shell/envmgr"
        set -l project "$_envmgr_project"
        test -n "$project"; or set project /
        "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "$project" </dev/null >&2
        _envmgr_find
    end
end

# Set _envmgr_wanted from the record; fail when there is none, or its environment does not work.
function _envmgr_find
    string match -rq '^[A-Za-z0-9._+<>=!~,*@ -]{1,200}$' -- "$_envmgr_ruling"; or return
    string match -q '*..*' -- "$_envmgr_ruling"; and return 1
    set _envmgr_record "$_envmgr_home/projects$_envmgr_project/.envmgr/$_envmgr_ruling"
    test -f "$_envmgr_record"; or return
    set -l IFS ''
    set -l env ''
    read env <"$_envmgr_record"
    string match -q 'envs/?*' -- "$env"; and not string match -q '*..*' -- "$env"; or return
    test -x "$_envmgr_home/$env/bin/python"; or return
    set _envmgr_wanted "$_envmgr_home/$env"
    set _envmgr_name (string match -r '(?<=^envs/)[A-Za-z0-9._+-]+(?=-[^-/]*/)' -- "$env")
    return 0
end

# Look around in a directory that is new: set _envmgr_allowed to the nearest one, no further than the project, that
# `envmgr allow` was told of. A .venv that it was not told of is mentioned once per visit; in a project `_enter` does that.
function _envmgr_survey
    set -l foreign ''
    _envmgr_climb
    set _envmgr_pwd "$PWD"
    set _envmgr_allowed ''
    for place in $_envmgr_places
        set -l record "$_envmgr_home/projects$place/.envmgr/.allowed"
        test -f "$place/.python-version" -o -f "$place/.venv/pyvenv.cfg" -o -f "$record"; or continue
        if test -f "$record"
            _envmgr_more; and set _envmgr_allowed "$place/"
            break
        end
        test -f "$place/.python-version"; and break
        test -z "$foreign" -a -f "$place/.venv/pyvenv.cfg"; and set foreign "$place/"
    end
    if test -n "$foreign" -a "$foreign" != "$_envmgr_foreign"
        echo "envmgr: there is a .venv here that is not envmgr's; `envmgr allow` has it activated" >&2
    end
    set _envmgr_foreign "$foreign"
    test "$_envmgr_stale" = "$_envmgr_allowed"; or set _envmgr_stale ''
end

# Make _envmgr_wanted, called _envmgr_name, the active environment.
function _envmgr_enter
    set _envmgr_env $_envmgr_wanted
    set _envmgr_twice ''
    contains -- "$_envmgr_env/bin" $PATH; and set _envmgr_twice 1
    set -gx PATH "$_envmgr_env/bin" $PATH
    set -gx VIRTUAL_ENV $_envmgr_env
    set -gx VIRTUAL_ENV_PROMPT "$_envmgr_name"
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
    if test "$PATH[1]" = "$_envmgr_env/bin"
        set -e PATH[1]
    else
        _envmgr_strip PATH "$_envmgr_env/bin"
    end
    contains -- "$_envmgr_env" $_envmgr_gone; or contains -- "$_envmgr_env/bin" $PATH; or set -a _envmgr_gone $_envmgr_env
    set _envmgr_env ''
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    set -q _envmgr_pythonhome; and not set -q PYTHONHOME; and set -gx PYTHONHOME $_envmgr_pythonhome
    set -e _envmgr_pythonhome
    set -q _envmgr_deactivate; and functions -e deactivate
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

# Read what is seldom needed.
function _envmgr_more
    test -z "$_envmgr_whole" -a -r "$_envmgr_home/shell/hook-more.fish"; and _envmgr_source
    test -n "$_envmgr_whole"; and return
    echo "envmgr: this shell's hook is no longer the installed one: open a new shell, or run `envmgr setup`" >&2
    return 1
end

# A function of its own, because a `return` in the file returns from it.
function _envmgr_source
    builtin source "$_envmgr_home/shell/hook-more.fish"
end

# The verbs that only this shell can do, and the program.
function envmgr
    _envmgr_more; and _envmgr_verb $argv
end

# The first Tab loads the rest.
function _envmgr_complete
    builtin source "$_envmgr_home/shell/completion.fish"
    _envmgr_complete
end
complete -c envmgr -f -a '(_envmgr_complete)'

# The shims come first on PATH; an environment goes before them when it is entered.
if test "$PATH[1]" != "$_envmgr_home/shims"
    contains -- "$_envmgr_home/shims" $PATH; and _envmgr_strip PATH "$_envmgr_home/shims"
    set -gx PATH "$_envmgr_home/shims" $PATH
end
