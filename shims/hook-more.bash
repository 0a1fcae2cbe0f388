# shellcheck shell=bash disable=SC2128,SC2154,SC2178,SC2317 # hook.bash has the variables
# What hook.bash reads at the first use: what `envmgr allow` granted, an environment that the user activated, the command
# `envmgr`. The rules of hook.bash hold here. A shell that was started before an update reads the new hook.bash first.

if [[ ${_envmgr_edition-} != 0.1.0 ]]; then
  _envmgr_reading=1
  builtin . "$_envmgr_home/shell/hook.bash"
  builtin unset -v _envmgr_reading
  if [[ $_envmgr_edition != 0.1.0 ]]; then return 0; fi # an update is just being written
  _envmgr_again=1
fi

# Set __env to the environment that was allowed, if it still is what was shown; else say so, once per visit.
_envmgr_granted() {
  builtin local __folder="${_envmgr_grant%/*}" __python=''
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

# Set __grant to what was allowed in _envmgr_allowed: names and values.
_envmgr_values() {
  builtin local __name='' __value=''
  __grant=''
  while IFS='' builtin read -r __name; do
    __value=''
    if [[ $__name != [A-Za-z_]* || $__name == *[!A-Za-z0-9_]* || ! -f ${_envmgr_grant%/*}/.variables/$__name ]]; then continue; fi
    IFS='' builtin read -r -d '' __value <"${_envmgr_grant%/*}/.variables/$__name"
    __grant+=$__name=$__value$'\n'
  done <"$_envmgr_grant"
}

# Whether the files that the variables of _envmgr_allowed come from are still the same.
_envmgr_unchanged() {
  builtin local __folder="${_envmgr_grant%/*}/.copies" __name
  for __name in pyproject.toml .env; do
    if [[ -f $__folder/$__name ]] && ! _envmgr_same "$__folder" "${_envmgr_allowed%/}" "$__name"; then return 1; fi
  done
}

# Whether the variables are to be set again: `envmgr allow` was called in another terminal, or they could not be set before.
_envmgr_renewed() {
  builtin local __grant
  _envmgr_values
  [[ $__grant != "$_envmgr_values" ]] || { [[ $_envmgr_refused ]] && _envmgr_unchanged; }
}

# Set the variables that were allowed in _envmgr_allowed, if the files that they come from are still the same.
_envmgr_load() {
  builtin local __folder="${_envmgr_grant%/*}" __name='' __value='' __flags __grant
  _envmgr_values
  _envmgr_loaded=$_envmgr_allowed _envmgr_values=$__grant _envmgr_refused=''
  if ! _envmgr_unchanged; then
    _envmgr_refused=1
    _envmgr_changed
    return
  fi
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

# The user has activated another environment, or ours, by hand: it is theirs. Take back what we did, also where the
# activate script has put it aside, so that its `deactivate` does not bring ours back.
_envmgr_yield() {
  builtin local __saved
  _envmgr_strip "$_envmgr_env/bin" last
  if [[ ${_OLD_VIRTUAL_PATH-} ]]; then
    __saved=$PATH PATH=$_OLD_VIRTUAL_PATH
    _envmgr_strip "$_envmgr_env/bin"
    _OLD_VIRTUAL_PATH=$PATH PATH=$__saved
    if [[ ${_envmgr_pythonhome-} ]]; then _OLD_VIRTUAL_PYTHONHOME=$_envmgr_pythonhome; fi
  fi
  builtin unset -v _envmgr_pythonhome _envmgr_deactivate
}

# The verbs that only this shell can do; everything else is the program's.
_envmgr_verb() {
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
      _envmgr_call "$@" || return
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
      _envmgr_verb find "$1" >/dev/null || return
      builtin export ENVMGR_VERSION="$*"
      ;;
  esac
  if ! [[ ${ENVMGR_VERSION-} ]]; then builtin unset -v ENVMGR_VERSION; fi
  _envmgr_before=$__before
}

_envmgr_whole=1
