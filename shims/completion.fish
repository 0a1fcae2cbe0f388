# Completion of `envmgr` for fish 3.0 and later: from completion.tsv and the names in the store, with builtins alone.

function _envmgr_complete
    set -l IFS \n
    set -l folder (string replace -r '/shell/[^/]*$' '' -- (status filename))
    set -l words (commandline -opc)
    set -l both "$words[2] $words[3]"
    set -l first "$words[2]"
    test (count $words) -gt 1; or set first -
    test (count $words) -gt 2; or set both ''
    set -l found -
    set -l known
    while read -l -d \t command help kind options
        if contains -- "$command" "$first" "$both"
            set found $kind
            set known (string split ' ' -- $options)
        end
        if test (count $words) -eq 1; and string match -rq '^[a-z]+$' -- $command
            printf '%s\t%s\n' $command $help
        end
    end <"$folder/shell/completion.tsv"
    test (count $words) -gt 1; or set found -
    if string match -q -- '-*' (commandline -ct)
        string replace -r ':.*' '' -- $known
        return
    end
    set -l value (string match -r -- '^'(string escape --style=regex -- $words[-1])':(.*)' $known)
    and set found $value[2]
    switch $found
        case -
            test (count $words) -eq 1; or __fish_complete_path (commandline -ct)
        case version
            _envmgr_names $folder/aliases/*
        case command
            _envmgr_names $folder/shims/* $VIRTUAL_ENV/bin/*
        case '*'
            string split , -- $found
    end
end

# PATH...: print the names, but not one with characters that no version or command has.
function _envmgr_names
    set -l names (string replace -r '^.*/' '' -- $argv | string match -r '^[A-Za-z0-9][A-Za-z0-9._+-]*$')
    printf '%s\n' $names
end

complete -c envmgr -f -a '(_envmgr_complete)'
