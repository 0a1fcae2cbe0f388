# envmgr for fish 3.0 and later. Put into ~/.config/fish/config.fish:  source ~/.local/share/envmgr/shell/hook.fish
#
# Before each prompt and after each change of directory, with builtins alone: walk up to the nearest .python-version,
# look its words up among the records (docs/reference/state-on-disk.md), and enter or leave the environment found there.
# At a prompt, one call of `envmgr _enter` for a project that has no record; it prints notes and may write one. Nothing
# of a project, and no data, is ever evaluated. hook.bash has the reasons. What to do in a project is in hook-more.fish,
# which is read at the first use: parsing is most of what sourcing costs.
#
# Command substitutions of builtins do not fork; an empty IFS keeps their output whole, newlines included. Functions do
# not see the variables of their callers, hence the globals. fish itself keeps $status and $pipestatus for the user.

status is-interactive; or return 0

# A shell that reads this file again, because it was replaced, keeps its state.
if not set -q _envmgr_home; or not functions -q _envmgr_prompt
    # the environment that we put on PATH, and whether it was there already
    # what was looked at last: text, variable; and the words of both
    # the pin: project and words; the environment that they mean, and its name
    # project and words of this visit, whether the user was notified, and where the user does not want it
    # the variable before `envmgr shell`
    # the directory searched last; the nearest one with a grant of `envmgr allow`, one with a .venv that has none, and one
    # whose grant no longer holds; the directory whose variables are set
    # what an idle prompt compares: variables, PATH as we left it, the version file of the pin, the record asked for, the
    # physical path of a project that was entered through a link, the folder of records that `envmgr allow` writes to
    # names and values of the variables as they were when they were set, and whether their source had changed then
    echo | read -g _envmgr_env _envmgr_duplicate \
        _envmgr_text _envmgr_words _envmgr_variable _envmgr_pinned \
        _envmgr_project _envmgr_pin _envmgr_wanted _envmgr_name \
        _envmgr_visit _envmgr_notified _envmgr_off \
        _envmgr_before \
        _envmgr_pwd _envmgr_allowed _envmgr_external _envmgr_stale _envmgr_loaded \
        _envmgr_path _envmgr_file _envmgr_record _envmgr_real _envmgr_grant \
        _envmgr_values _envmgr_refused
    # all that we took from PATH; directories from here upwards; where no version file was
    set -g _envmgr_removed
    set -g _envmgr_places
    set -g _envmgr_nearer
    # inherited from the shell that this one was started in
    test -z "$_ENVMGR_NAMES"; or set _envmgr_loaded "$_ENVMGR_PLACE"
end
# the version of envmgr, the same in hook-more.fish, which may have been replaced since this shell started; whether that was
# read, and was read just now
set -g _envmgr_edition 0.1.0
set -g _envmgr_more_loaded ''
set -g _envmgr_again ''
set -g _envmgr_seen ''
begin
    set -l IFS ''
    set -g _envmgr_home (status filename)
    string match -q '/*/shell/hook.fish' -- "$_envmgr_home"; or set _envmgr_home (builtin realpath -- "$_envmgr_home")
    set _envmgr_home (string replace -r '/shell/hook\.fish$' '' -- "$_envmgr_home")
end

function _envmgr_prompt --on-event fish_prompt
    _envmgr_idle; and return
    set _envmgr_again ''
    _envmgr_update
    if test -n "$_envmgr_again" # these functions may have been replaced
        set _envmgr_seen ''
        _envmgr_prompt
        return
    end
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
    test -n "$_envmgr_allowed" -o -f "$_envmgr_grant/.allowed"; and return 1
    set -l IFS ''
    set -l text ''
    if test -n "$_envmgr_real" # a link to the project may lead elsewhere by now
        set text (builtin realpath -- "$_envmgr_project/" 2>/dev/null)
        test "$text" = "$_envmgr_real"; or return
    else if test -n "$_envmgr_record"
        test -L "$_envmgr_project"; and return 1
    end
    if test -n "$_envmgr_file"
        test -f "$_envmgr_file" -a -r "$_envmgr_file"; or return
        read -z -n 8193 text <"$_envmgr_file"
        test "$text" = "$_envmgr_text"; or return
    end
    if test -n "$_envmgr_env"
        test "$_envmgr_notified" != git; and _envmgr_unignored; and return 1
        test -x "$_envmgr_env/bin/python" -a -f "$_envmgr_record"; or return
        read text <"$_envmgr_record"
        test "$_envmgr_home/$text" = "$_envmgr_env"
    else
        not test -f "$_envmgr_record"
    end
end

# Whether git's exclude file is newer than envmgr's last look at it: git may see .venv, as after `envmgr use; git init`.
function _envmgr_unignored
    test "$_envmgr_project/.git/info/exclude" -nt (string replace -r '[^/]*$' .exclude -- "$_envmgr_record" | string collect)
end

# `cd project; python` on one line, and in a command substitution, which changes the directory for good. A call of envmgr waits
# for the prompt.
function _envmgr_cd --on-variable PWD
    set _envmgr_again ''
    _envmgr_update quietly
    if test -n "$_envmgr_again"
        _envmgr_cd
        return
    end
    test -z "$_envmgr_env" -a -n "$_envmgr_record"; and return # something is left to tell
    set _envmgr_seen "$PWD:$VIRTUAL_ENV:$ENVMGR_VERSION:$ENVMGR_HOOK:$PATH"
end

# [quietly]: activate the environment of the directory, or none. Where there is no project and no environment,
# hook-more.fish is not needed.
function _envmgr_update -a quietly
    set _envmgr_wanted ''
    if test -n "$VIRTUAL_ENV"
        test -n "$_envmgr_more_loaded"; or _envmgr_more; or return
        test "$VIRTUAL_ENV" = "$_envmgr_env"; and not set -q _OLD_VIRTUAL_PATH; or _envmgr_ours; or return
    end
    test "$PATH" = "$_envmgr_path"; or test -z "$_envmgr_env$_envmgr_removed"; or _envmgr_clean
    test "$PATH" = "$_envmgr_path" -o "$ENVMGR_HOOK" = off; or contains -- "$_envmgr_home/shims" $PATH; or _envmgr_repair
    if test "$ENVMGR_HOOK" = off
        set _envmgr_allowed ''
        set _envmgr_visit ''
        set _envmgr_off ''
    else if _envmgr_walk
        _envmgr_lookup $quietly
    else
        set _envmgr_visit ''
        set _envmgr_off ''
    end
    if test -n "$_envmgr_wanted$_envmgr_env$_envmgr_allowed$_envmgr_loaded"
        test -n "$_envmgr_more_loaded"; or _envmgr_more 2>/dev/null; and _envmgr_change
    end
    set _envmgr_path "$PATH"
end

# Put the shims back: PATH was reset.
function _envmgr_repair
    test -z "$_envmgr_env"; or _envmgr_leave
    set -gx PATH "$_envmgr_home/shims" $PATH
end

# Look from here upwards: set _envmgr_project and _envmgr_pin from the nearest version file that holds a word, and
# _envmgr_allowed to the nearest directory, up to the version file, with a grant of `envmgr allow`; fail when there
# is neither. A .venv on the way that was not allowed is mentioned once per visit; in a project `_enter` does that.
# Root leaves the files of others alone.
function _envmgr_walk
    set -l external ''
    set -l searched ''
    set _envmgr_project ''
    set _envmgr_pin ''
    set _envmgr_allowed ''
    set _envmgr_nearer
    set _envmgr_file ''
    set _envmgr_record ''
    set _envmgr_real ''
    set _envmgr_grant ''
    test "$PWD" = "$_envmgr_pwd"; or _envmgr_climb
    set -l IFS ''
    set -l physical (builtin realpath -- "$PWD" 2>/dev/null)
    for place in $_envmgr_places
        set -l file "$place/.python-version"
        set -l folder "$_envmgr_home/projects$place/.envmgr"
        test "$physical" = "$PWD"; or set folder "$_envmgr_home/projects"(builtin realpath -- "$place/" 2>/dev/null)/.envmgr
        if test -f "$file" -o -f "$folder/.allowed"
            test -n "$_envmgr_more_loaded"; or _envmgr_more; or break
            test -z "$searched" -a -f "$folder/.allowed"; and not test -L "$folder"; and set _envmgr_allowed "$place/"
            test -z "$searched$external"; and set _envmgr_grant "$folder"
            set searched 1
            test -f "$file"; and test -O "$file" -o ! -O /; and _envmgr_read_pin "$place" "$file"; and break
        else if test -z "$external$searched" -a -n "$place" -a -f "$place/.venv/pyvenv.cfg"
            set external "$place/"
            set _envmgr_grant "$folder"
        end
        test -n "$_envmgr_grant"; or set _envmgr_grant "$folder"
        set -a _envmgr_nearer "$file"
    end
    if test -n "$external" -a "$external" != "$_envmgr_external"
        and test (builtin realpath -- "$external.venv/../..") != (builtin realpath -- "$_envmgr_home/envs")
        echo "envmgr: there is a .venv here that is not envmgr's; `envmgr allow` has it activated" >&2
    end
    set _envmgr_external "$external"
    test "$_envmgr_stale" = "$_envmgr_allowed"; or set _envmgr_stale ''
    test -n "$_envmgr_pin$_envmgr_allowed"
end

# Set _envmgr_places to the directories in which to look, from here upwards, without a slash at the end. `read` takes PWD
# apart without a command substitution, of which each costs as much as five other commands.
function _envmgr_climb
    set _envmgr_pwd "$PWD"
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

# Read what is seldom needed; that reads this file again first, if it is newer than this shell. Fail if it is not there.
function _envmgr_more
    test -n "$_envmgr_more_loaded"; and return
    test -r "$_envmgr_home/shell/hook-more.fish"; and _envmgr_source
    test -n "$_envmgr_more_loaded"; and return
    echo "envmgr: this shell's hook is not the installed one: run `envmgr setup`, or open a new shell" >&2
    return 1
end

# A function of its own, because a `return` in the file returns from it.
function _envmgr_source
    builtin source "$_envmgr_home/shell/hook-more.fish"
end

# The verbs that only this shell can do, and the program.
function envmgr
    if test -n "$_envmgr_more_loaded"
        _envmgr_verb $argv
    else if test "$argv[1]" = unload
        _envmgr_unload
    else if _envmgr_more 2>/dev/null
        envmgr $argv # maybe a newer one by now
    else if contains -- "$argv[1]" activate deactivate shell
        _envmgr_more
    else
        _envmgr_call $argv
    end
end

# Run the program: the one that the user has on PATH, or the one that made the store.
function _envmgr_call
    test -n "$ENVMGR_HOME"; or set -lx ENVMGR_HOME $_envmgr_home
    test "$argv[1]" = doctor; and set -lx _ENVMGR_SHELL "fish $fish_pid"
    set -l program (command -s envmgr); or set program "$_envmgr_home/shell/envmgr"
    if test -x "$program"
        command $program $argv
    else
        echo "envmgr: error: the store of this shell is missing: open a new shell, or `envmgr unload`" >&2
        return 127
    end
end

# Undo what sourcing did. There is no environment to leave where hook-more.fish was not read.
function _envmgr_unload
    if test -n "$_envmgr_env$_envmgr_loaded"
        _envmgr_leave
        _envmgr_drop
    end
    set -l place (contains -i -- "$_envmgr_home/shims" $PATH)
    and set -e PATH[$place]
    complete -c envmgr -e
    functions -e (functions -an | string match '_envmgr_*') envmgr
    set -e (set -gn | string match '_envmgr_*')
end

# The first Tab loads the rest.
function _envmgr_complete
    builtin source "$_envmgr_home/shell/completion.fish"
    _envmgr_complete
end
complete -c envmgr -f -a '(_envmgr_complete)'

# The shims come first on PATH; an environment goes before them when it is entered.
if test -z "$_envmgr_reading" -a "$PATH[1]" != "$_envmgr_home/shims"
    set -l place (contains -i -- "$_envmgr_home/shims" $PATH)
    and set -e PATH[$place]
    set -l after $PATH
    set -l own
    if test -n "$VIRTUAL_ENV" -a "$VIRTUAL_ENV" != "$_ENVMGR_ENV" # the user activated it in the shell that started this one
        not string match -rq -- '^'(string escape --style=regex -- "$_envmgr_home/envs/") "$VIRTUAL_ENV"
        and set own (contains -i -- "$VIRTUAL_ENV/bin" $PATH)
        and set -e after[1..$own]
        and set own $PATH[1..$own]
    end
    set -gx PATH $own "$_envmgr_home/shims" $after
end
