# shellcheck shell=bash disable=SC2050,SC2128,SC2178,SC2317 # PROMPT_COMMAND is a string or an array; [[ a == A ]] asks for nocasematch
# envmgr for bash 3.2 and later. Put into ~/.bashrc:  . ~/.local/share/envmgr/shell/hook.bash
#
# Before each prompt, with builtins alone: walk up to the nearest .python-version, look its words up among the records
# (docs/reference/state-on-disk.md), and enter or leave the environment found there. One call of `envmgr _enter` for a
# project that has no record; it prints notes and may write one. Nothing of a project, and no data, is ever evaluated.
# What a shell seldom needs is in hook-more.bash, which is read at the first use: parsing is all that sourcing costs.
#
# The rules that the odd-looking parts keep: `builtin` because users name functions and aliases like builtins; variables
# with odd names because a readonly variable of the user's must not be in the way; quotes around everything because
# users set IFS and nullglob, and `builtin local` splits; ${x-} because they set -u; [[ ]] for tests; no BASH_REMATCH, no REPLY.

case $- in *i*) ;; *) return 0 ;; esac
_envmgr_flags=$-
if [[ a == A ]]; then
  builtin shopt -u nocasematch
  _envmgr_flags+=+
fi
builtin set +ak # with these options, assignments have other effects

# A shell that reads this file again, because it was replaced, keeps its state. What a later version adds to it is set
# outside of this `if`, as x=${x-}.
if [[ -z ${_envmgr_home+x} ]] || ! builtin declare -F _envmgr_prompt >/dev/null; then
  # the environment that we put on PATH, and all that we took from it, each followed by a colon
  _envmgr_env='' _envmgr_removed='' _envmgr_duplicate=''
  # what was looked at last: version file and variable, each with its words; project and words, and whether the user was notified
  _envmgr_text='' _envmgr_words='' _envmgr_variable='' _envmgr_pinned='' _envmgr_project='' _envmgr_visit='' _envmgr_notified=''
  # the project in which the user does not want it; the variable before `envmgr shell`
  _envmgr_off='' _envmgr_before=''
  # the directory searched last; the nearest one with a grant of `envmgr allow`, and one with a .venv that has none;
  # the directory whose variables are set
  _envmgr_pwd='' _envmgr_allowed='' _envmgr_external='' _envmgr_stale='' _envmgr_loaded=${_ENVMGR_NAMES:+${_ENVMGR_PLACE:-?}}
  # what `envmgr allow` wrote for the former, or would write; names and values as they were then; whether a source had changed
  _envmgr_grant='' _envmgr_values='' _envmgr_refused=''
  # which of the commands that change directory were functions of the user's
  _envmgr_wrapped=''
  # what an idle prompt compares: where no version file was, and the version file of the pin; the record asked for; the physical path
  # of a project that was entered through a link
  _envmgr_nearer=('') _envmgr_file='' _envmgr_record='' _envmgr_real=''
fi

case ${BASH_SOURCE[0]} in
  /*/shell/hook.bash) _envmgr_home=${BASH_SOURCE[0]%/shell/hook.bash} ;;
  */*) _envmgr_home=$(CDPATH='' builtin cd -P -- "${BASH_SOURCE[0]%/*}/.." && builtin printf %s "$PWD") ;;
  *) _envmgr_home=${PWD%/*} ;;
esac
# the version of envmgr, the same in hook-more.bash, which may have been replaced since this shell started; whether that was
# read, and was read just now; a mark for each time that our function was put into PROMPT_COMMAND
_envmgr_edition=0.1.0 _envmgr_more_loaded='' _envmgr_again='' _envmgr_seen='' _envmgr_registered=${_envmgr_registered-}

# [quietly]: the prompt's command, and what runs after `cd`. Whatever happens in it, it prints nothing but notes, and the
# status stays as it is. Quietly, it calls no program: that waits for the prompt.
_envmgr_prompt() {
  builtin set -- "$?" "$-" "${1-}" ''
  builtin set +ak
  if [[ a == A ]]; then # all comparisons would ignore case
    builtin shopt -u nocasematch
    builtin set -- "$1" "$2" "$3" nocasematch
  fi
  if ! _envmgr_idle; then
    _envmgr_again=''
    if [[ $3 ]] && ((BASH_SUBSHELL)); then
      _envmgr_update "$3" 3>/dev/null 2>&3 || :
    else
      _envmgr_update "$3" 3>&2 2>/dev/null || :
    fi
    if [[ $3 && ($_envmgr_allowed || (-z $_envmgr_env && $_envmgr_record)) ]]; then # a note may be left for the prompt
      builtin set -- "$1" "$2" unseen "$4"
    fi
    _envmgr_seen=${PWD-}:${VIRTUAL_ENV-}:${ENVMGR_VERSION-}:${ENVMGR_HOOK-}:${PATH-}:${PROMPT_COMMAND-}
    if [[ $3 == unseen ]]; then _envmgr_seen=''; fi
    if [[ $_envmgr_again ]]; then # these functions may have been replaced
      _envmgr_seen=''
      _envmgr_prompt "$3"
    fi
  fi
  if [[ $4 ]]; then builtin shopt -s nocasematch; fi
  if [[ $2 == *a* ]]; then builtin set -a; fi
  if [[ $2 == *k* ]]; then builtin set -k; fi
  if [[ $2 == *e* ]]; then return 0; fi
  return "$1"
}

# Whether nothing has changed since the last time: no variable, no nearer version file, not what the one says that rules,
# and the environment is still there and on record, or still is not; and a grant of `envmgr allow` is as it was.
_envmgr_idle() {
  builtin local __file __text='' __env='' IFS=''
  if [[ ${PWD-}:${VIRTUAL_ENV-}:${ENVMGR_VERSION-}:${ENVMGR_HOOK-}:${PATH-}:${PROMPT_COMMAND-} != "$_envmgr_seen" ]]; then
    return 1
  fi
  if [[ ${ENVMGR_HOOK-} == cd ]]; then return 0; fi # for slow filesystems
  for __file in "${_envmgr_nearer[@]}"; do
    if [[ -f $__file ]]; then return 1; fi
  done
  if [[ $_envmgr_allowed ]]; then
    if ! _envmgr_grant_holds; then return 1; fi
  elif [[ -f $_envmgr_grant ]]; then
    return 1
  fi
  if [[ $_envmgr_real ]]; then # a link to the project may lead elsewhere by now
    if ! [[ $_envmgr_project -ef $_envmgr_real ]]; then return 1; fi
  elif [[ $_envmgr_record && -L $_envmgr_project ]]; then
    return 1
  fi
  if [[ $_envmgr_env ]]; then
    if [[ $_envmgr_notified != git ]] && _envmgr_unignored; then return 1; fi
    if ! [[ -x $_envmgr_env/bin/python ]]; then return 1; fi
    if [[ $_envmgr_record ]]; then # else it is the allowed one
      if ! [[ -f $_envmgr_record ]]; then return 1; fi
      builtin read -r __env <"$_envmgr_record"
      if [[ $_envmgr_home/$__env != "$_envmgr_env" ]]; then return 1; fi
    fi
  elif [[ -f $_envmgr_record ]]; then
    return 1
  fi
  if [[ $_envmgr_file ]]; then
    if ! [[ -f $_envmgr_file && -r $_envmgr_file ]]; then return 1; fi
    builtin read -r -d '' -n 8193 __text <"$_envmgr_file"
    [[ $__text == "$_envmgr_text" ]]
  fi
}

# `cd project && python` on one line, also in a subshell: bash has no event for it, so that the three commands are functions.
# A function that the user had by that name is called in the place of the builtin. Without arguments this is one of the
# chpwd_functions, which mise and rvm call after every `cd`, as zsh does.
_envmgr_cd() {
  if [[ ${1-} && :$_envmgr_wrapped == *:"$1:"* ]]; then
    "_envmgr_user_$1" "${@:2}" && _envmgr_prompt quietly
  elif [[ ${1-} ]]; then
    builtin "$@" && _envmgr_prompt quietly
  else
    _envmgr_prompt quietly
  fi
}

# Put functions in the place of the commands, and the user's functions of these names aside. `eval` sees nothing but those.
_envmgr_wrap() {
  if _envmgr_set_aside cd; then function cd { _envmgr_cd cd "$@"; }; fi
  if _envmgr_set_aside pushd; then function pushd { _envmgr_cd pushd "$@"; }; fi
  if _envmgr_set_aside popd; then function popd { _envmgr_cd popd "$@"; }; fi
  if [[ " ${chpwd_functions[*]-} " != *" _envmgr_cd "* ]]; then
    chpwd_functions=(_envmgr_cd ${chpwd_functions[@]+"${chpwd_functions[@]}"})
  fi
}

# NAME: rename the user's function, if there is one; fail if it is ours.
_envmgr_set_aside() {
  builtin local __text
  if ! builtin declare -F "$1" >/dev/null; then return 0; fi
  __text=$(builtin declare -f "$1")
  if [[ $__text == *_envmgr_cd* ]]; then return 1; fi
  _envmgr_define "_envmgr_user_$__text" && _envmgr_wrapped=${_envmgr_wrapped//"$1:"/}$1:
}

# TEXT: define a function as `declare -f` shows it: with its aliases expanded.
_envmgr_define() {
  if builtin shopt -q expand_aliases; then
    builtin shopt -u expand_aliases
    builtin eval "$1"
    builtin shopt -s expand_aliases
  else
    builtin eval "$1"
  fi
}

# Give the commands back, where they are still ours.
_envmgr_unwrap() {
  builtin local __name __text
  builtin local -a __rest
  for __name in cd pushd popd; do
    __text=$(builtin declare -f "$__name")
    if [[ $__text != *_envmgr_cd* ]]; then continue; fi
    builtin unset -f "$__name"
    if [[ :$_envmgr_wrapped != *:"$__name:"* ]]; then continue; fi
    __text=$(builtin declare -f "_envmgr_user_$__name")
    _envmgr_define "${__text#_envmgr_user_}"
  done
  __rest=()
  for __name in ${chpwd_functions[@]+"${chpwd_functions[@]}"}; do
    if [[ $__name != _envmgr_cd ]]; then __rest+=("$__name"); fi
  done
  builtin unset -v chpwd_functions
  if [[ ${__rest[*]-} ]]; then chpwd_functions=("${__rest[@]}"); fi
}

# [quietly]: activate the environment of the directory, or none.
_envmgr_update() {
  builtin local __project='' __words='' __env='' __turned=''
  _envmgr_come_first
  if [[ ${VIRTUAL_ENV-} ]]; then
    if [[ ${_OLD_VIRTUAL_PATH-} ||
      ($VIRTUAL_ENV != "$_envmgr_env" && $VIRTUAL_ENV != "$_envmgr_home"/envs/* && $VIRTUAL_ENV != "${_ENVMGR_ENV-}") ]]; then
      if [[ $_envmgr_env ]] && _envmgr_more 2>&3; then _envmgr_yield; fi
      _envmgr_env=''
      builtin unset -v _ENVMGR_ENV
      return
    elif [[ $VIRTUAL_ENV != "$_envmgr_env" ]]; then
      _envmgr_leave # inherited, or restored by a tool that saves old values
      _envmgr_env=$VIRTUAL_ENV
      _envmgr_leave
    elif [[ ${CONDA_PREFIX-} && ${PATH-} == *"$_envmgr_env/bin"* && :${PATH%%"$_envmgr_env/bin"*} == *:"$CONDA_PREFIX/bin:"* ]]; then
      _envmgr_off=$_envmgr_project/ # `conda activate` in the project
    fi
  fi
  if [[ ${ENVMGR_HOOK-} == off ]]; then
    _envmgr_pwd='' _envmgr_allowed='' _envmgr_visit='' _envmgr_off=''
  else
    if [[ :${PATH-}: != *:"$_envmgr_home/shims":* ]]; then # it was reset
      _envmgr_leave
      builtin export PATH="$_envmgr_home/shims${PATH:+:$PATH}"
    fi
    if [[ ${PWD-} != "$_envmgr_pwd" ]] || ! _envmgr_grant_is_current; then _envmgr_find_grant; fi
    if _envmgr_walk || [[ $_envmgr_allowed ]]; then _envmgr_lookup "${1-}"; else _envmgr_visit='' _envmgr_off=''; fi
  fi
  if { [[ $_envmgr_allowed != "$_envmgr_loaded" ]] && _envmgr_more; } || { [[ $_envmgr_allowed ]] && _envmgr_renewed; }; then
    _envmgr_leave
    _envmgr_drop
    if [[ $_envmgr_allowed ]]; then _envmgr_load; fi
  fi
  if [[ $__env != "$_envmgr_env" ]]; then
    _envmgr_leave
    if [[ $__env ]]; then _envmgr_enter "$__env"; else _envmgr_clean; fi
  elif [[ $__env ]]; then
    if [[ ${VIRTUAL_ENV-} != "$__env" || :${PATH-}: != *:"$__env/bin":* ]]; then
      _envmgr_leave # PATH was reset, or the variable
      _envmgr_enter "$__env"
    elif [[ $PATH == *"$_envmgr_home/envs/"*"$_envmgr_home/envs/"* ]]; then
      _envmgr_clean
    fi
  elif [[ ${PATH-} == *"$_envmgr_home/envs/"* ]]; then
    _envmgr_clean
  fi
}

# Set __project and __words from the nearest version file that holds a word; fail when there is none. Root leaves the
# files of others alone. `!` stands for what shells do not read: what is unreadable, too long, or has a NUL in it.
_envmgr_walk() {
  builtin local __file __text __level=0
  __project=${PWD-}
  __project=${__project%/}
  _envmgr_nearer=('') _envmgr_file='' _envmgr_record='' _envmgr_real=''
  while ! [[ ${PWD-} != /* || (${ENVMGR_CEILING_DIRS-} && :$ENVMGR_CEILING_DIRS: == *:"${__project:-/}":*) ]]; do
    __file=$__project/.python-version
    if [[ -f $__file ]] && { ((EUID)) || [[ -O $__file ]]; }; then
      __text=''
      if IFS='' LC_ALL=C builtin read -r -d '' -n 8193 __text <"$__file" || ! [[ $__text || -r $__file ]]; then __text='!'; fi
      if [[ $__text != "$_envmgr_text" ]]; then
        _envmgr_parse "$__text"
        _envmgr_text=$__text _envmgr_words=$__words
      fi
      __words=$_envmgr_words
      if [[ $__words ]]; then
        _envmgr_file=$__file
        break
      fi
    fi
    _envmgr_nearer[__level++]=$__file
    if [[ -z $__project ]]; then break; fi
    __project=${__project%/*}
  done
  if [[ -z $_envmgr_file ]]; then
    __project=${_envmgr_allowed%/} __words=''
    return 1
  fi
  if [[ ${ENVMGR_VERSION-} ]]; then
    if [[ $ENVMGR_VERSION != "$_envmgr_variable" ]]; then
      _envmgr_parse "$ENVMGR_VERSION"
      _envmgr_variable=$ENVMGR_VERSION _envmgr_pinned=$__words
    fi
    __words=${_envmgr_pinned:-$_envmgr_words}
  fi
}

# TEXT: set __words to the words of a version file, joined by one blank.
_envmgr_parse() {
  builtin local __line __word __rest
  __rest=${1#$'\xef\xbb\xbf'}$'\n' __words=''
  while [[ $__rest && ${#__words} -le 200 ]]; do
    __line=${__rest%%$'\n'*} __rest=${__rest#*$'\n'}
    __line=${__line%%\#*}
    __line=${__line//$'\t'/ }
    __line=${__line//$'\r'/ }
    while [[ $__line == *[!\ ]* ]]; do
      __word=${__line%%[! ]*} # the blanks before it
      __line=${__line#"$__word"}
      __word=${__line%% *}
      __line=${__line#"$__word"}
      __words=${__words:+$__words }$__word
    done
  done
}

# [quietly]: set __env to the environment on record for __project and __words, if it works; else tell about that, once per
# visit.
_envmgr_lookup() {
  if [[ $_envmgr_visit != "$__project/$__words" ]]; then
    _envmgr_visit=$__project/$__words _envmgr_project=$__project _envmgr_notified=''
    if [[ $_envmgr_off != "$__project/" ]]; then _envmgr_off=''; fi
  fi
  if [[ $_envmgr_off ]]; then return; fi
  if [[ $_envmgr_allowed ]] && _envmgr_granted; then
    if [[ $__words && $__words != system && -z $_envmgr_notified && -z $1 ]]; then _envmgr_compare; fi
    return
  fi
  if [[ $__words == system || -z $__words ]]; then return; fi
  if _envmgr_find; then
    if [[ $1 || $_envmgr_notified == git ]] || ! _envmgr_unignored; then return; fi
    _envmgr_notified=git
  elif [[ $_envmgr_notified || $1 ]]; then
    return
  else
    _envmgr_notified=1
  fi
  if [[ -x $_envmgr_home/shell/envmgr ]]; then
    "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "${__project:-/}" </dev/null >&3 2>&3 3>&-
    _envmgr_find_grant # the call has seen where a link leads, if it is one
    if [[ $_envmgr_allowed ]] && _envmgr_granted; then return; fi
    if _envmgr_find && [[ $__turned ]]; then _envmgr_notified=''; fi # it may be turned again during this visit
  fi
}

# Whether git's exclude file is newer than envmgr's last look at it: git may see .venv, as after `envmgr use; git init`.
_envmgr_unignored() {
  [[ $_envmgr_project/.git/info/exclude -nt ${_envmgr_record%/*}/.exclude ]]
}

# Set __env from the record; fail when there is none, or its environment does not work.
_envmgr_find() {
  if [[ $__words == *[!A-Za-z0-9._+\<\>=!~,*@\ -]* || $__words == *..* || ${#__words} -gt 200 ]]; then return 1; fi
  _envmgr_record=$_envmgr_home/projects$__project/.envmgr/$__words
  if ! { [[ -f $_envmgr_record ]] && _envmgr_current "$__project"; }; then return 1; fi
  IFS='' builtin read -r __env <"$_envmgr_record"
  if [[ $__env == envs/?* && $__env != *..* && -x $_envmgr_home/$__env/bin/python ]]; then
    __env=$_envmgr_home/$__env
  else
    __env=''
    return 1
  fi
}

# DIRECTORY: whether its records are of what is there now: its path has no symbolic link in it, or they name the physical
# path, which leads to the same directory and has none. Sets _envmgr_real to a physical path that differs.
_envmgr_current() {
  builtin local __file="$_envmgr_home/projects$1/.envmgr/.real" __part="$1"
  _envmgr_real=''
  if [[ -f $__file ]]; then
    IFS='' builtin read -r __part <"$__file"
    if [[ $__part != "$1" ]]; then _envmgr_real=$__part; fi
  fi
  if [[ -z $_envmgr_real || ($__part == /* && ${1:-/} -ef $__part) ]]; then
    while [[ $__part == /?* && ! -L $__part ]]; do __part=${__part%/*}; done
    if [[ $__part != /?* ]]; then return 0; fi
  fi
  _envmgr_real='' __turned=1
  return 1
}

# Whether what _envmgr_find_grant found still holds: `allow` and `deny` may have been called in another terminal.
_envmgr_grant_is_current() {
  if [[ -z $_envmgr_allowed ]]; then
    ! [[ -f $_envmgr_grant ]]
  else
    [[ -f $_envmgr_grant ]] && _envmgr_current "${_envmgr_allowed%/}"
  fi
}

# Look around in a directory that is new: set _envmgr_allowed to the nearest one, no further than the project, that
# `envmgr allow` was run in. A .venv that was not allowed is mentioned once per visit; in a project `_enter` does that.
_envmgr_find_grant() {
  builtin local __place="${PWD-}" __external=''
  __place=${__place%/}
  _envmgr_pwd=${PWD-} _envmgr_allowed='' _envmgr_grant=$_envmgr_home/projects$__place/.envmgr/.allowed
  while ! [[ ${PWD-} != /* || (${ENVMGR_CEILING_DIRS-} && :$ENVMGR_CEILING_DIRS: == *:"${__place:-/}":*) ]]; do
    if [[ -f $_envmgr_home/projects$__place/.envmgr/.allowed ]]; then
      _envmgr_grant=$_envmgr_home/projects$__place/.envmgr/.allowed
      if ! _envmgr_current "$__place"; then break; fi
      if _envmgr_more 2>&3; then _envmgr_allowed=$__place/; else _envmgr_grant=''; fi
      break
    fi
    if [[ -z $__place ]]; then break; fi
    if [[ -z $__external && (-f $__place/.python-version || -f $__place/.venv/pyvenv.cfg) ]]; then
      _envmgr_grant=$_envmgr_home/projects$__place/.envmgr/.allowed # it may be written in another terminal
    fi
    if [[ -f $__place/.python-version ]]; then break; fi
    if [[ -z $__external && -f $__place/.venv/pyvenv.cfg ]]; then __external=$__place/; fi
    __place=${__place%/*}
  done
  if [[ $__external && $__external != "$_envmgr_external" && ! $__external.venv/../.. -ef $_envmgr_home/envs ]]; then
    builtin printf '%s\n' "envmgr: there is a .venv here that is not envmgr's; \`envmgr allow\` has it activated" >&3
  fi
  _envmgr_external=$__external
  if [[ $_envmgr_stale != "$_envmgr_allowed" ]]; then _envmgr_stale=''; fi
}

# DIRECTORY: make this environment the active one. Assigning PATH makes bash forget where it found programs.
_envmgr_enter() {
  builtin local __home
  _envmgr_clean
  _envmgr_env=$1 _envmgr_duplicate=''
  if [[ :${PATH-}: == *:"$1/bin":* ]]; then _envmgr_duplicate=1; fi
  PATH=$1/bin${PATH:+:$PATH}
  VIRTUAL_ENV=$1
  VIRTUAL_ENV_PROMPT=${1%/*}
  VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT##*/}
  if [[ $1 == "$_envmgr_home"/envs/* ]]; then VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT%-*}; fi
  VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT//[!A-Za-z0-9._+-]/-}
  _ENVMGR_ENV=$1 # tells a shell started in this one that VIRTUAL_ENV is ours
  builtin export PATH VIRTUAL_ENV VIRTUAL_ENV_PROMPT _ENVMGR_ENV
  if [[ ${PYTHONHOME+x} ]]; then
    __home=$(builtin declare -p PYTHONHOME)
    if [[ ${__home%%=*} == *x* ]]; then # exported
      builtin export _ENVMGR_PYTHONHOME="$PYTHONHOME"
      builtin unset -v PYTHONHOME
    fi
  fi
  if ! builtin declare -F deactivate >/dev/null; then
    deactivate() { if [[ ${1-} != nondestructive ]]; then envmgr deactivate; fi; }
    _envmgr_deactivate=1
  fi
}

# Undo what _envmgr_enter did, by value; anything that the user changed meanwhile stays.
_envmgr_leave() {
  if [[ -z $_envmgr_env ]]; then return; fi
  _envmgr_strip "$_envmgr_env/bin"
  while [[ -z $_envmgr_duplicate && :${PATH-}: == *:"$_envmgr_env/bin":* ]]; do _envmgr_strip "$_envmgr_env/bin"; done # direnv's
  if [[ :${PATH-}: != *:"$_envmgr_env/bin":* && :$_envmgr_removed != *:"$_envmgr_env":* ]]; then
    _envmgr_removed+=$_envmgr_env:
  fi
  _envmgr_env=''
  builtin unset -v VIRTUAL_ENV VIRTUAL_ENV_PROMPT _ENVMGR_ENV
  if [[ ${_ENVMGR_PYTHONHOME+x} && -z ${PYTHONHOME+x} ]]; then builtin export PYTHONHOME="$_ENVMGR_PYTHONHOME"; fi
  builtin unset -v _ENVMGR_PYTHONHOME
  if [[ ${_envmgr_deactivate-} ]]; then builtin unset -f deactivate; fi
  builtin unset -v _envmgr_deactivate
}

# Take from PATH what direnv and other tools that restore old values have brought back.
_envmgr_clean() {
  builtin local __rest="$_envmgr_removed" __one
  while [[ $__rest ]]; do
    __one=${__rest%%:*} __rest=${__rest#*:}
    while [[ $__one != "$_envmgr_env" && :${PATH-}: == *:"$__one/bin":* ]]; do _envmgr_strip "$__one/bin"; done
  done
  while [[ $_envmgr_env && -z $_envmgr_duplicate && ${PATH-} && :${PATH//:/::}: == *:"$_envmgr_env/bin":*:"$_envmgr_env/bin":* ]]; do
    _envmgr_strip "$_envmgr_env/bin" last
  done
}

# DIRECTORY [last]: take the first, or last, occurrence of it from PATH.
_envmgr_strip() {
  builtin local __path=":${PATH-}:"
  if [[ $__path != *:"$1":* ]]; then return; fi
  if [[ ${2-} ]]; then __path=${__path%:"$1":*}:${__path##*:"$1":}; else __path=${__path%%:"$1":*}:${__path#*:"$1":}; fi
  __path=${__path#:}
  PATH=${__path%:}
}

# Read what is seldom needed; that reads this file again first, if it is newer than this shell. Fail if it is not there.
_envmgr_more() {
  if [[ $_envmgr_more_loaded ]]; then return; fi
  builtin . "$_envmgr_home/shell/hook-more.bash" 2>/dev/null
  if [[ $_envmgr_more_loaded ]]; then return; fi
  builtin printf '%s\n' "envmgr: this shell's hook is not the installed one: run \`envmgr setup\`, or open a new shell" >&2
  return 1
}

# The verbs that only this shell can do, and the program.
envmgr() {
  builtin set -- "$-" "$@"
  builtin set +ak
  if [[ a == A ]]; then
    builtin shopt -u nocasematch
    builtin set -- "$1+" "${@:2}"
  fi
  _envmgr_do "${@:2}"
  builtin set -- "$?" "$1"
  if [[ $2 == *+ ]]; then builtin shopt -s nocasematch; fi
  if [[ $2 == *a* ]]; then builtin set -a; fi
  if [[ $2 == *k* ]]; then builtin set -k; fi
  return "$1"
}

_envmgr_do() {
  case $_envmgr_more_loaded:${1-} in
    ?*:*) _envmgr_verb "$@" ;;
    :unload) _envmgr_unload ;;
    *)
      if _envmgr_more 2>/dev/null; then
        envmgr "$@" # maybe a newer one by now
      else
        case ${1-} in activate | deactivate | shell) _envmgr_more ;; *) _envmgr_call "$@" ;; esac
      fi
      ;;
  esac
}

# Run the program: the one that the user has on PATH, or the one that made the store.
_envmgr_call() {
  builtin local -x ENVMGR_HOME="${ENVMGR_HOME:-$_envmgr_home}"
  if [[ ${1-} == doctor ]]; then builtin local -x _ENVMGR_SHELL="bash $$"; fi
  if builtin type -P envmgr >/dev/null; then
    builtin command envmgr "$@"
  elif [[ -x $_envmgr_home/shell/envmgr ]]; then
    "$_envmgr_home/shell/envmgr" "$@"
  else
    builtin printf '%s\n' "envmgr: error: the store of this shell is missing: open a new shell, or \`envmgr unload\`" >&2
    return 127
  fi
}

# The first Tab loads the rest.
_envmgr_complete() { builtin . "$_envmgr_home/shell/completion.bash" && _envmgr_complete; }
builtin complete -o default -F _envmgr_complete envmgr

# Come first among the prompt's commands: those that draw it should see the result. From bash 5.1 on as an element of
# its own, after which bash restores $? and PIPESTATUS for the next, also if something was appended to that element.
# bash-preexec runs its functions before all that was in PROMPT_COMMAND, of which it knows the first element only.
_envmgr_come_first() {
  if [[ ${bash_preexec_imported-}${__bp_imported-} ]]; then
    if [[ ${precmd_functions[0]-} != _envmgr_prompt ]]; then
      precmd_functions=(_envmgr_prompt ${precmd_functions[@]+"${precmd_functions[@]}"})
    fi
  elif [[ ${PROMPT_COMMAND-} == _envmgr_prompt[\;$'\n']* ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    PROMPT_COMMAND[0]=${PROMPT_COMMAND#_envmgr_prompt?}
    PROMPT_COMMAND=(_envmgr_prompt "${PROMPT_COMMAND[@]}")
  fi
}

# An exported PROMPT_COMMAND would reach shells that do not know the function; `printf -v` fails softly on a readonly one.
_envmgr_register() {
  if [[ ${PROMPT_COMMAND[*]-} == *_envmgr_prompt* ]]; then return; fi
  if ! builtin printf -v PROMPT_COMMAND %s "${PROMPT_COMMAND-}" 2>/dev/null; then return; fi
  builtin export -n PROMPT_COMMAND
  _envmgr_registered+=1
  if [[ -z ${PROMPT_COMMAND[*]-} ]]; then
    PROMPT_COMMAND=_envmgr_prompt
  else
    PROMPT_COMMAND="_envmgr_prompt;$PROMPT_COMMAND"
    _envmgr_come_first
  fi
}

# Undo what sourcing did. A function that does nothing stays where a prompt command of another tool may call ours.
_envmgr_unload() {
  _envmgr_leave
  if [[ $_envmgr_loaded ]] && _envmgr_more; then _envmgr_drop; fi
  _envmgr_unwrap
  _envmgr_strip "$_envmgr_home/shims"
  builtin complete -r envmgr
  if [[ ${PROMPT_COMMAND[*]-} == *_envmgr_prompt* ]]; then _envmgr_unregister; else _envmgr_registered=11; fi
  builtin local __registered="$_envmgr_registered" IFS=$'\n'
  builtin unset -v "${!_envmgr_@}"
  # shellcheck disable=SC2046 # one word each; also those of a version from before an update
  builtin unset -f envmgr $(builtin compgen -A function _envmgr_)
  if [[ $__registered != 1 ]]; then _envmgr_prompt() { return "$?"; }; fi
}

# Take our function from the prompt's commands. One command is left as a string, as it may have been before.
_envmgr_unregister() {
  builtin local __one __line=$'\n'
  builtin local -a __rest
  __rest=()
  for __one in ${precmd_functions[@]+"${precmd_functions[@]}"}; do
    if [[ $__one != _envmgr_prompt ]]; then __rest+=("$__one"); fi
  done
  if [[ ${precmd_functions[*]-} == *_envmgr_prompt* ]]; then precmd_functions=(${__rest[@]+"${__rest[@]}"}); fi
  __rest=()
  for __one in "${PROMPT_COMMAND[@]}"; do
    __one=${__one//_envmgr_prompt[;$__line]/}
    __one=${__one//[;$__line]_envmgr_prompt/}
    if [[ $__one == _envmgr_prompt ]]; then continue; fi
    __rest+=("$__one")
    if [[ $__one == *_envmgr_prompt* ]]; then _envmgr_registered=11; fi
  done
  builtin unset -v PROMPT_COMMAND
  case ${#__rest[@]} in
    0) ;;
    1) PROMPT_COMMAND=${__rest[0]} ;;
    *) PROMPT_COMMAND=("${__rest[@]}") ;;
  esac
}

# Put the shims first on PATH. Only an environment that the user activated, in the shell that started this one, stays
# before them.
_envmgr_add_shims() {
  builtin local __own="${VIRTUAL_ENV-}/bin" __path
  if [[ :${PATH-}: == :"$_envmgr_home/shims":* ]]; then return; fi
  _envmgr_strip "$_envmgr_home/shims"
  __path=:${PATH-}:
  if [[ ${VIRTUAL_ENV:-${_ENVMGR_ENV-}} != "${_ENVMGR_ENV-}" && $__own != "$_envmgr_home"/envs/* && $__path == *:"$__own":* ]]; then
    __path=${__path%%:"$__own":*}:$__own:$_envmgr_home/shims:${__path#*:"$__own":}
    __path=${__path#:}
    builtin export PATH="${__path%:}"
  else
    builtin export PATH="$_envmgr_home/shims${PATH:+:$PATH}"
  fi
}

# An environment goes before the shims when it is entered.
if [[ -z ${_envmgr_reading-} ]]; then
  _envmgr_register
  _envmgr_wrap
  _envmgr_add_shims
fi
if [[ $_envmgr_flags == *+ ]]; then builtin shopt -s nocasematch; fi
if [[ $_envmgr_flags == *a* ]]; then builtin set -a; fi
if [[ $_envmgr_flags == *k* ]]; then builtin set -k; fi
builtin unset -v _envmgr_flags
