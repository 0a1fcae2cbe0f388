# shellcheck shell=bash
# Completion of `envmgr` for bash 3.2 and later: from completion.tsv and the names in the store, with builtins alone.
# Words are offered as data; what looks like a file is left to bash.

_envmgr_completion=${BASH_SOURCE[0]%/shell/*}

_envmgr_complete() {
  builtin local __word=${COMP_WORDS[COMP_CWORD]} __before=${COMP_WORDS[COMP_CWORD - 1]} __row __command __kind __options
  builtin local __first=${COMP_WORDS[1]-} __both="${COMP_WORDS[1]-} ${COMP_WORDS[2]-}" __kinds='' __known='' __offer
  if ((COMP_CWORD < 2)); then __first=-; fi
  if ((COMP_CWORD < 3)); then __both=; fi
  while IFS=$'\t' builtin read -r __command __row __kind __options; do
    if [[ $__command == "$__first" || $__command == "$__both" ]]; then __kinds=$__kind __known=$__options; fi
  done <"$_envmgr_completion/shell/completion.tsv"
  __known=" $__known "
  COMPREPLY=()
  if [[ $__known == *" $__before:"* ]]; then
    __kinds=${__known#*" $__before:"}
    __kinds=${__kinds%% *}
  elif [[ $__word == -* ]]; then
    while [[ $__known == *[!' ']* ]]; do
      __known=${__known#"${__known%%[!' ']*}"}
      __offer=${__known%% *} __known=${__known#* }
      _envmgr_offer "${__offer%%:*}"
    done
    return
  fi
  case $__kinds in
    - | '') ;;
    version) for __offer in "$_envmgr_completion"/aliases/*; do _envmgr_offer "${__offer##*/}"; done ;;
    command)
      for __offer in "$_envmgr_completion"/shims/* ${VIRTUAL_ENV:+"$VIRTUAL_ENV"/bin/*}; do
        _envmgr_offer "${__offer##*/}"
      done
      ;;
    *)
      __kinds=$__kinds,
      while [[ $__kinds ]]; do
        _envmgr_offer "${__kinds%%,*}"
        __kinds=${__kinds#*,}
      done
      ;;
  esac
}

# NAME: offer it if it begins like the word; a name with characters that no version or command has is not ours.
_envmgr_offer() {
  if [[ $1 == "$__word"* && $1 != *[!A-Za-z0-9._+-]* ]]; then COMPREPLY[${#COMPREPLY[@]}]=$1; fi
}

complete -o default -F _envmgr_complete envmgr
