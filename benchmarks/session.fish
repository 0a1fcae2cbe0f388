# Time one session of fish, as session.sh does for bash and zsh:  fish --no-config -i session.fish WHAT MODE ROUNDS
# fish has no builtin clock, so all rounds are one sample: the caller times the whole run.
set -g WHAT $argv[1]
set -g MODE $argv[2]
set -g ROUNDS $argv[3]

function floor --on-event fish_prompt
    test $WHAT = floor; or return
    set -l d $PWD
    set -l v
    while true
        if test -f $d/.python-version
            read v <$d/.python-version
            break
        end
        test -n "$d"; or break
        set d (string replace -r '/[^/]*$' '' -- $d)
    end
    set -g KNOWN $d:$v:$VIRTUAL_ENV
end

switch $WHAT
    case envmgr
        source $STORE/shell/hook.fish
    case direnv
        direnv hook fish | source
end

cd $HERE
emit fish_prompt
if test $WHAT = envmgr; and test -z "$VIRTUAL_ENV"
    exit 1
end
for i in (seq $ROUNDS)
    if test $MODE = cd
        if test $PWD = $HERE
            cd $THERE
        else
            cd $HERE
        end
    end
    emit fish_prompt
end
