# shellcheck shell=bash disable=SC2128,SC2178,SC2317 # PROMPT_COMMAND is a string or an array
# envmgr for bash 3.2 and later. Put into ~/.bashrc:  . ~/.local/share/envmgr/shell/hook.bash
#
# Before each prompt, with builtins alone: walk up to the nearest .python-version, look its words up among the records
# (docs/reference/state-on-disk.md), and enter or leave the environment found there. One call of `envmgr _enter` for a
# project that has no record; it prints notes and may write one. Nothing of a project, and no data, is ever evaluated.
#
# The rules that the odd-looking parts keep: `builtin` because users name functions and aliases like builtins; variables
# with odd names because a readonly variable of the user's must not be in the way; quotes around everything because
# users set IFS and nullglob, and `builtin local` splits; ${x-} because they set -u; [[ ]] for tests; no BASH_REMATCH, no REPLY, no `eval`.

case $- in *i*) ;; *) return 0 ;; esac

case ${BASH_SOURCE[0]} in
  /*/shell/hook.bash) _envmgr_home=${BASH_SOURCE[0]%/shell/hook.bash} ;;
  */*) _envmgr_home=$(CDPATH='' builtin cd -P -- "${BASH_SOURCE[0]%/*}/.." && builtin printf %s "$PWD") ;;
  *) _envmgr_home=${PWD%/*} ;;
esac
# the environment that we put on PATH, and all that we took from it, each followed by a colon
_envmgr_env='' _envmgr_gone='' _envmgr_twice=''
# what was looked at last: version file and variable, each with its words; project and words, and whether that was told
_envmgr_text='' _envmgr_words='' _envmgr_variable='' _envmgr_pinned='' _envmgr_project='' _envmgr_visit='' _envmgr_told=''
# the project in which the user does not want it; the variable before `envmgr shell`
_envmgr_off='' _envmgr_before=''
# the directory surveyed last; the one in it or above it that `envmgr allow` was told of, and one with a .venv that it was
# not told of; the one whose variables are set, and their names
_envmgr_pwd='' _envmgr_allowed='' _envmgr_foreign='' _envmgr_stale='' _envmgr_loaded='' _envmgr_names=''
# what an idle prompt compares: variables; where no version file was, and the file that ruled; the record that was missing
_envmgr_seen='' _envmgr_nearer=('') _envmgr_file='' _envmgr_waited=''

# The prompt's command. Whatever happens in it, it prints nothing but notes, and the status stays as it is.
_envmgr_prompt() {
  builtin local __status="$?"
  if ! _envmgr_idle; then
    _envmgr_update 3>&2 2>/dev/null || :
    _envmgr_seen=${PWD-}:${VIRTUAL_ENV-}:${ENVMGR_VERSION-}:${ENVMGR_HOOK-}:${_OLD_VIRTUAL_PATH-}:${PATH-}
  fi
  if [[ $- == *e* ]]; then return 0; fi
  return "$__status"
}

# Whether nothing has changed since the last time: no variable, no nearer version file, not what the one says that rules,
# and the environment is still there, or still is not. What was allowed is looked at every time.
_envmgr_idle() {
  builtin local __file __text=''
  if [[ ${PWD-}:${VIRTUAL_ENV-}:${ENVMGR_VERSION-}:${ENVMGR_HOOK-}:${_OLD_VIRTUAL_PATH-}:${PATH-} != "$_envmgr_seen" ]]; then
    return 1
  fi
  if [[ ${ENVMGR_HOOK-} == cd ]]; then return 0; fi # for slow filesystems
  for __file in "${_envmgr_nearer[@]}"; do
    if [[ -f $__file ]]; then return 1; fi
  done
  if [[ $_envmgr_file ]]; then
    if ! [[ -f $_envmgr_file && -r $_envmgr_file ]]; then return 1; fi
    IFS='' builtin read -r -d '' -n 8193 __text <"$_envmgr_file"
    if [[ $__text != "$_envmgr_text" ]]; then return 1; fi
  fi
  if [[ $_envmgr_env ]]; then [[ -x $_envmgr_env/bin/python && -z $_envmgr_allowed ]]; else ! [[ -f $_envmgr_waited ]]; fi
}

# Make the shell have active what the directory asks for.
_envmgr_update() {
  builtin local __project='' __words='' __env=''
  if [[ ${VIRTUAL_ENV-} && $VIRTUAL_ENV != "$_envmgr_env" ]]; then
    if [[ $VIRTUAL_ENV != "$_envmgr_home"/envs/* || ${_OLD_VIRTUAL_PATH-} ]]; then
      _envmgr_yield
      return
    fi
    _envmgr_leave # inherited, or brought back by somebody who restores old values
    _envmgr_env=$VIRTUAL_ENV
    _envmgr_leave
  elif [[ ${_OLD_VIRTUAL_PATH-} && ${VIRTUAL_ENV-} ]]; then
    _envmgr_yield
    return
  fi
  if [[ ${ENVMGR_HOOK-} == off ]]; then
    _envmgr_pwd='' _envmgr_allowed='' _envmgr_visit='' _envmgr_off=''
  else
    if [[ ${PWD-} != "$_envmgr_pwd" ]]; then _envmgr_survey; fi
    if _envmgr_walk || [[ $_envmgr_allowed ]]; then _envmgr_lookup; else _envmgr_visit='' _envmgr_off=''; fi
  fi
  if [[ $_envmgr_allowed != "$_envmgr_loaded" ]]; then
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
  builtin local __file __text
  __project=${PWD-}
  __project=${__project%/}
  _envmgr_nearer=('') _envmgr_file='' _envmgr_waited=''
  while ! [[ ${ENVMGR_CEILING_DIRS-} && :$ENVMGR_CEILING_DIRS: == *:"${__project:-/}":* ]]; do
    __file=$__project/.python-version
    if [[ -f $__file ]] && { ((EUID)) || [[ -O $__file ]]; }; then
      __text=''
      if IFS='' builtin read -r -d '' -n 8193 __text <"$__file" || ! [[ $__text || -r $__file ]]; then __text='!'; fi
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
    _envmgr_nearer+=("$__file")
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

# Set __env to the environment on record for __project and __words, if it works; else tell about that, once per visit.
_envmgr_lookup() {
  if [[ $_envmgr_visit != "$__project/$__words" ]]; then
    _envmgr_visit=$__project/$__words _envmgr_project=$__project _envmgr_told=''
    if [[ $_envmgr_off != "$__project/" ]]; then _envmgr_off=''; fi
  fi
  if [[ $_envmgr_off ]] || _envmgr_granted; then return; fi
  if [[ $__words == system || -z $__words ]] || _envmgr_record || [[ $_envmgr_told ]]; then return; fi
  _envmgr_told=1
  if [[ -x $_envmgr_home/shell/envmgr ]]; then
    "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "${__project:-/}" </dev/null >&3 2>&3 3>&-
    _envmgr_record
  fi
}

# Set __env from the record; fail when there is none, or its environment does not work.
_envmgr_record() {
  __env=''
  if [[ $__words == *[!A-Za-z0-9._+\<\>=!~,*@\ -]* || $__words == *..* || ${#__words} -gt 200 ]]; then return 1; fi
  _envmgr_waited=$_envmgr_home/projects$__project/.envmgr/$__words
  if ! [[ -f $_envmgr_waited ]]; then return 1; fi
  IFS='' builtin read -r __env <"$_envmgr_home/projects$__project/.envmgr/$__words"
  if [[ $__env == envs/?* && $__env != *..* && -x $_envmgr_home/$__env/bin/python ]]; then
    __env=$_envmgr_home/$__env
  else
    __env=''
    return 1
  fi
}

# Look around in a directory that is new: set _envmgr_allowed to the nearest one, no further than the project, that
# `envmgr allow` was told of. A .venv that it was not told of is mentioned once per visit; in a project `_enter` does that.
_envmgr_survey() {
  builtin local __place="${PWD-}" __foreign=''
  __place=${__place%/}
  _envmgr_pwd=${PWD-} _envmgr_allowed=''
  while ! [[ ${ENVMGR_CEILING_DIRS-} && :$ENVMGR_CEILING_DIRS: == *:"${__place:-/}":* ]]; do
    if [[ -f $_envmgr_home/projects$__place/.envmgr/.allowed ]]; then
      _envmgr_allowed=$__place/
      break
    fi
    if [[ -f $__place/.python-version || -z $__place ]]; then break; fi
    if [[ -z $__foreign && -f $__place/.venv/pyvenv.cfg ]]; then __foreign=$__place/; fi
    __place=${__place%/*}
  done
  if [[ $__foreign && $__foreign != "$_envmgr_foreign" ]]; then
    builtin printf '%s\n' "envmgr: there is a .venv here that is not envmgr's; \`envmgr allow\` has it activated" >&3
  fi
  _envmgr_foreign=$__foreign
  if [[ $_envmgr_stale != "$_envmgr_allowed" ]]; then _envmgr_stale=''; fi
}

# Set __env to the environment that was allowed, if it still is what was shown; else say so, once per visit.
_envmgr_granted() {
  __env=''
  if [[ -z $_envmgr_allowed ]]; then return 1; fi
  builtin local __folder="$_envmgr_home/projects${_envmgr_allowed%/}/.envmgr" __python=''
  { IFS='' builtin read -r __env && IFS='' builtin read -r __python; } <"$__folder/.allowed"
  if [[ -z $__env ]]; then return 1; fi
  if [[ -x $__env/bin/python && $__env/bin/python -ef $__python ]] && _envmgr_same "$__folder/.copies" "$__env" pyvenv.cfg; then
    return
  fi
  __env=''
  _envmgr_changed
  return 1
}

# COPIES DIRECTORY FILE: whether the file in the directory is still what it was when it was allowed.
_envmgr_same() {
  builtin local __copy='' __now=''
  if ! [[ -f $2/$3 ]]; then return 1; fi
  IFS='' builtin read -r -d '' __copy <"$1/$3"
  IFS='' builtin read -r -d '' __now <"$2/$3"
  [[ $__copy == "$__now" ]]
}

_envmgr_changed() {
  if [[ $_envmgr_stale == "$_envmgr_allowed" ]]; then return; fi
  _envmgr_stale=$_envmgr_allowed
  builtin printf '%s\n' "envmgr: what was allowed here has changed; \`envmgr allow\` shows it and allows it again" >&3
}

# Set the variables that were allowed in _envmgr_allowed, if the files that they come from are still the same.
_envmgr_load() {
  builtin local __folder="$_envmgr_home/projects${_envmgr_allowed%/}/.envmgr" __name='' __value='' __flags
  _envmgr_loaded=$_envmgr_allowed
  for __name in pyproject.toml .env; do
    if [[ -f $__folder/.copies/$__name ]] && ! _envmgr_same "$__folder/.copies" "${_envmgr_allowed%/}" "$__name"; then
      _envmgr_changed
      return
    fi
  done
  while IFS='' builtin read -r __name; do
    if [[ $__name != [A-Za-z_]* || $__name == *[!A-Za-z0-9_]* || ! -f $__folder/.variables/$__name ]]; then continue; fi
    IFS='' builtin read -r -d '' __value <"$__folder/.variables/$__name"
    if [[ ${!__name+x} && ${!__name} == "$__value" ]]; then continue; fi
    if [[ ${!__name+x} ]]; then
      __flags=$(builtin declare -p "$__name") __flags=${__flags%%=*}
      if [[ $__flags == 'declare -'*[aAinr]*' '* ]]; then continue; fi # assigning to an integer evaluates
      builtin printf -v "_envmgr_old_$__name" %s "${!__name}"
      if [[ $__flags != 'declare -'*x*' '* ]]; then builtin printf -v "_envmgr_own_$__name" %s 1; fi
    fi
    builtin export "$__name=$__value" && builtin printf -v "_envmgr_new_$__name" %s "$__value" &&
      _envmgr_names=$_envmgr_names$__name:
  done <"$__folder/.allowed"
}

# Undo _envmgr_load by value: what the user has changed since stays.
_envmgr_drop() {
  builtin local __name __old __new __own
  while [[ $_envmgr_names ]]; do
    __name=${_envmgr_names%%:*} _envmgr_names=${_envmgr_names#*:}
    __old=_envmgr_old_$__name __new=_envmgr_new_$__name __own=_envmgr_own_$__name
    if [[ ${!__name+x} && ${!__name} == "${!__new-}" ]]; then
      if [[ ${!__old+x} ]]; then builtin export "$__name=${!__old}"; else builtin unset -v "$__name"; fi
      if [[ ${!__own-} ]]; then builtin export -n "${__name?}"; fi
    fi
    builtin unset -v "$__old" "$__new" "$__own"
  done
  _envmgr_loaded=''
}

# DIRECTORY: make this environment the active one. Assigning PATH makes bash forget where it found programs.
_envmgr_enter() {
  builtin local __home
  _envmgr_clean
  _envmgr_env=$1 _envmgr_twice=''
  if [[ :${PATH-}: == *:"$1/bin":* ]]; then _envmgr_twice=1; fi
  PATH=$1/bin${PATH:+:$PATH}
  VIRTUAL_ENV=$1
  VIRTUAL_ENV_PROMPT=${1%/*}
  VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT##*/}
  if [[ $1 == "$_envmgr_home"/envs/* ]]; then VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT%-*}; fi
  VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT//[!A-Za-z0-9._+-]/-}
  builtin export PATH VIRTUAL_ENV VIRTUAL_ENV_PROMPT
  if [[ ${PYTHONHOME+x} ]]; then
    __home=$(builtin declare -p PYTHONHOME)
    if [[ ${__home%%=*} == *x* ]]; then # exported
      _envmgr_pythonhome=$PYTHONHOME
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
  if [[ :${PATH-}: != *:"$_envmgr_env/bin":* && :$_envmgr_gone != *:"$_envmgr_env":* ]]; then
    _envmgr_gone+=$_envmgr_env:
  fi
  _envmgr_env=''
  builtin unset -v VIRTUAL_ENV VIRTUAL_ENV_PROMPT
  if [[ ${_envmgr_pythonhome+x} && -z ${PYTHONHOME+x} ]]; then builtin export PYTHONHOME="$_envmgr_pythonhome"; fi
  builtin unset -v _envmgr_pythonhome
  if [[ ${_envmgr_deactivate-} ]]; then builtin unset -f deactivate; fi
  builtin unset -v _envmgr_deactivate
}

# The user has activated another environment, or ours, by hand: it is theirs. Take back what we did, also where the
# activate script has put it aside, so that its `deactivate` does not bring ours back.
_envmgr_yield() {
  if [[ -z $_envmgr_env ]]; then return; fi
  builtin local __saved
  _envmgr_strip "$_envmgr_env/bin" last
  if [[ ${_OLD_VIRTUAL_PATH-} ]]; then
    __saved=$PATH PATH=$_OLD_VIRTUAL_PATH
    _envmgr_strip "$_envmgr_env/bin"
    _OLD_VIRTUAL_PATH=$PATH PATH=$__saved
    if [[ ${_envmgr_pythonhome-} ]]; then _OLD_VIRTUAL_PYTHONHOME=$_envmgr_pythonhome; fi
  fi
  _envmgr_env=''
  builtin unset -v _envmgr_pythonhome _envmgr_deactivate
}

# Take from PATH what direnv and other tools that restore old values have brought back.
_envmgr_clean() {
  builtin local __rest="$_envmgr_gone" __one
  while [[ $__rest ]]; do
    __one=${__rest%%:*} __rest=${__rest#*:}
    while [[ $__one != "$_envmgr_env" && :${PATH-}: == *:"$__one/bin":* ]]; do _envmgr_strip "$__one/bin"; done
  done
  while [[ $_envmgr_env && -z $_envmgr_twice && :${PATH-}: == *:"$_envmgr_env/bin":*:"$_envmgr_env/bin":* ]]; do
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

# The verbs that only this shell can do; everything else is the program's.
envmgr() {
  _envmgr_seen=''
  case ${1-} in
    activate) _envmgr_off='' ;;
    deactivate) _envmgr_off=$_envmgr_project/ ;;
    shell) builtin shift && _envmgr_shell "$@" || return ;;
    unload)
      _envmgr_unload
      return
      ;;
    *)
      builtin local -x ENVMGR_HOME="${ENVMGR_HOME:-$_envmgr_home}"
      if [[ ${1-} == doctor ]]; then builtin local -x _ENVMGR_SHELL="bash $$"; fi
      if builtin type -P envmgr >/dev/null; then builtin command envmgr "$@"; else "$_envmgr_home/shell/envmgr" "$@"; fi || return
      if [[ ${1-} != allow && ${1-} != deny ]]; then return; fi
      _envmgr_leave
      _envmgr_drop
      _envmgr_pwd=''
      ;;
  esac
  _envmgr_prompt
}

# [VERSION | --unset | -]: set ENVMGR_VERSION in this shell, unset it, swap it with the one before; or print it.
_envmgr_shell() {
  builtin local __before="${ENVMGR_VERSION-}"
  case ${1-} in
    '') builtin printf '%s\n' "${ENVMGR_VERSION-}" && return ;;
    --unset) builtin unset -v ENVMGR_VERSION ;;
    -) builtin export ENVMGR_VERSION="$_envmgr_before" ;;
    *)
      envmgr find "$1" >/dev/null || return
      builtin export ENVMGR_VERSION="$*"
      ;;
  esac
  if ! [[ ${ENVMGR_VERSION-} ]]; then builtin unset -v ENVMGR_VERSION; fi
  _envmgr_before=$__before
}

# The first Tab loads the rest.
_envmgr_complete() { builtin . "$_envmgr_home/shell/completion.bash" && _envmgr_complete; }
builtin complete -o default -F _envmgr_complete envmgr

# Undo what sourcing this file did. A stub stays where another tool has wrapped PROMPT_COMMAND around the hook.
_envmgr_unload() {
  _envmgr_leave
  _envmgr_drop
  _envmgr_strip "$_envmgr_home/shims"
  builtin unset -f _envmgr_idle _envmgr_survey _envmgr_granted _envmgr_same _envmgr_changed _envmgr_load _envmgr_drop
  builtin unset -f _envmgr_update _envmgr_walk _envmgr_parse _envmgr_lookup _envmgr_record _envmgr_enter _envmgr_leave \
    _envmgr_yield _envmgr_clean _envmgr_strip _envmgr_shell _envmgr_complete _envmgr_unload envmgr
  builtin unset -f _envmgr_offer
  builtin complete -r envmgr
  builtin unset -v _envmgr_home _envmgr_env _envmgr_gone _envmgr_twice _envmgr_text _envmgr_words _envmgr_variable _envmgr_pinned \
    _envmgr_project _envmgr_visit _envmgr_told _envmgr_off _envmgr_before _envmgr_completion \
    _envmgr_seen _envmgr_nearer _envmgr_file _envmgr_waited _envmgr_pwd _envmgr_allowed _envmgr_foreign _envmgr_stale _envmgr_loaded _envmgr_names
  _envmgr_prompt() { return "$?"; }
  if [[ ${PROMPT_COMMAND-} == _envmgr_prompt ]]; then
    builtin unset -v 'PROMPT_COMMAND[0]'
    if [[ ${#PROMPT_COMMAND[@]} -gt 0 ]]; then PROMPT_COMMAND=("${PROMPT_COMMAND[@]}"); else builtin unset -v PROMPT_COMMAND; fi
    builtin unset -f _envmgr_prompt
  elif [[ ${PROMPT_COMMAND-} == '_envmgr_prompt;'* ]]; then
    PROMPT_COMMAND=${PROMPT_COMMAND#'_envmgr_prompt;'}
    builtin unset -f _envmgr_prompt
  fi
}

# Come first among the prompt's commands: those that draw it should see the result. From bash 5.1 on as an element of
# its own, after which bash restores $? and PIPESTATUS for the next. An exported PROMPT_COMMAND would reach shells that
# do not know the function; `printf -v` fails softly on a readonly one.
if [[ ${PROMPT_COMMAND[*]-} != *_envmgr_prompt* ]] && builtin printf -v PROMPT_COMMAND %s "${PROMPT_COMMAND-}" 2>/dev/null; then
  builtin export -n PROMPT_COMMAND
  if [[ -z ${PROMPT_COMMAND[*]-} ]]; then
    PROMPT_COMMAND=_envmgr_prompt
  elif ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    PROMPT_COMMAND=(_envmgr_prompt "${PROMPT_COMMAND[@]}")
  else
    PROMPT_COMMAND="_envmgr_prompt;$PROMPT_COMMAND"
  fi
fi

# The shims come first on PATH; an environment goes before them when it is entered.
if [[ :${PATH-}: != :"$_envmgr_home/shims":* ]]; then
  _envmgr_strip "$_envmgr_home/shims"
  builtin export PATH="$_envmgr_home/shims${PATH:+:$PATH}"
fi
