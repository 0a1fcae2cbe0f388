# What hook.zsh reads at the first use: what `envmgr allow` granted, an environment that the user activated, the command
# `envmgr`. Runs under the options that hook.zsh sets. A shell that was started before an update reads the new hook.zsh
# first.

if [[ ${_envmgr_edition-} != 0.1.0 ]]; then
  _envmgr_reading=1 _envmgr_source=$_envmgr_home/shell/hook.zsh
  builtin . "$_envmgr_source"
  builtin unset _envmgr_reading _envmgr_source
  if [[ $_envmgr_edition != 0.1.0 ]]; then return 0; fi # an update is just being written
  _envmgr_again=1
fi

# Set __env to the environment that was allowed, if it still is what was shown; else say so, once per visit.
_envmgr_granted() {
  builtin local __folder=${_envmgr_grant%/*} __python=''
  { IFS='' builtin read -r __env && IFS='' builtin read -r __python } <"$__folder/.allowed"
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
  [[ -f $2/$3 && "$(<"$1/$3")" == "$(<"$2/$3")" ]]
}

_envmgr_changed() {
  if [[ $_envmgr_stale == "$_envmgr_allowed" ]]; then return; fi
  _envmgr_stale=$_envmgr_allowed
  builtin printf '%s\n' "envmgr: what was allowed here has changed; \`envmgr allow\` shows it and allows it again" >&3
}

# Set __grant to what was allowed in _envmgr_allowed: names and values.
_envmgr_values() {
  builtin local __name __value
  __grant=''
  while IFS='' builtin read -r __name; do
    if [[ $__name == *[^A-Za-z0-9_]* || ! -f ${_envmgr_grant%/*}/.variables/$__name ]]; then continue; fi
    IFS='' builtin read -r -d '' __value <"${_envmgr_grant%/*}/.variables/$__name"
    __grant+=$__name=$__value$'\n'
  done <"$_envmgr_grant"
}

# Whether the files that the variables of _envmgr_allowed come from are still the same.
_envmgr_unchanged() {
  builtin local __folder=${_envmgr_grant%/*}/.copies __name
  for __name in pyproject.toml .env; do
    if [[ -f $__folder/$__name ]] && ! _envmgr_same "$__folder" "${_envmgr_allowed%/}" "$__name"; then return 1; fi
  done
}

# Whether the variables are to be set again: `envmgr allow` was called in another terminal, or they could not be set before.
_envmgr_renewed() {
  builtin local __grant
  _envmgr_values
  [[ $__grant != "$_envmgr_values" ]] || { [[ -n $_envmgr_refused ]] && _envmgr_unchanged }
}

# Set the variables that were allowed in _envmgr_allowed, if the files that they come from are still the same.
_envmgr_set() {
  builtin local __folder=${_envmgr_grant%/*} __name __value __grant
  _envmgr_values
  _envmgr_loaded=$_envmgr_allowed _envmgr_values=$__grant _envmgr_refused=''
  if ! _envmgr_unchanged; then
    _envmgr_refused=1
    _envmgr_changed
    return
  fi
  while IFS='' builtin read -r __name; do
    if [[ $__name == *[^A-Za-z0-9_]* || ! -f $__folder/.variables/$__name ]]; then continue; fi
    IFS='' builtin read -r -d '' __value <"$__folder/.variables/$__name"
    if [[ -n ${(P)__name+x} ]]; then
      if [[ ${(P)__name} == "$__value" || ${(tP)__name} == *(readonly|integer|float|array|association|special)* ]]; then
        continue # assigning to a number evaluates
      fi
      _envmgr_old[$__name]=${(P)__name}
      if [[ ${(tP)__name} != *export* ]]; then _envmgr_own[$__name]=1; fi
    fi
    _envmgr_new[$__name]=$__value
    builtin typeset -gx "$__name=$__value"
  done <"$__folder/.allowed"
}

# Undo _envmgr_set by value: what the user has changed since stays.
_envmgr_drop() {
  builtin local __name
  for __name in ${(k)_envmgr_new}; do
    if [[ -n ${(P)__name+x} && ${(P)__name} == "$_envmgr_new[$__name]" ]]; then
      if (( ${+_envmgr_own[$__name]} )); then builtin typeset -g +x "$__name"; fi
      if (( ${+_envmgr_old[$__name]} )); then : ${(P)__name::=$_envmgr_old[$__name]}; else builtin unset "$__name"; fi
    fi
  done
  _envmgr_old=() _envmgr_new=() _envmgr_own=() _envmgr_loaded=''
}

# The user has activated another environment, or ours, by hand: it is theirs. Take back what we did, also where the
# activate script has put it aside, so that its `deactivate` does not bring ours back.
_envmgr_yield() {
  builtin local __saved
  _envmgr_strip "$_envmgr_env/bin" last
  if [[ -n ${_OLD_VIRTUAL_PATH-} ]]; then
    __saved=$PATH PATH=$_OLD_VIRTUAL_PATH
    _envmgr_strip "$_envmgr_env/bin"
    _OLD_VIRTUAL_PATH=$PATH PATH=$__saved
    if [[ -n ${_envmgr_pythonhome-} ]]; then builtin typeset -g _OLD_VIRTUAL_PYTHONHOME=$_envmgr_pythonhome; fi
  fi
  builtin unset _envmgr_pythonhome _envmgr_deactivate
}

# The verbs that only this shell can do; everything else is the program's.
_envmgr_verb() {
  _envmgr_seen=''
  case ${1-} in
    (activate) _envmgr_off='' ;;
    (deactivate) _envmgr_off=$_envmgr_project/ ;;
    (shell)
      builtin shift
      _envmgr_shell "$@" || return
      ;;
    (unload)
      _envmgr_unload
      return
      ;;
    (*)
      _envmgr_call "$@" || return
      if [[ ${1-} != (allow|deny) ]]; then return; fi
      _envmgr_leave
      _envmgr_drop
      _envmgr_pwd=''
      ;;
  esac
  _envmgr_update
}

# [VERSION | --unset | -]: set ENVMGR_VERSION in this shell, unset it, swap it with the one before; or print it.
_envmgr_shell() {
  builtin local __before=${ENVMGR_VERSION-}
  case ${1-} in
    ('')
      builtin printf '%s\n' "$__before"
      return
      ;;
    (--unset) builtin unset ENVMGR_VERSION ;;
    (-) builtin typeset -gx ENVMGR_VERSION=$_envmgr_before ;;
    (*)
      _envmgr_verb find "$1" >/dev/null || return
      builtin typeset -gx ENVMGR_VERSION="$*"
      ;;
  esac
  if [[ -z ${ENVMGR_VERSION-} ]]; then builtin unset ENVMGR_VERSION; fi
  _envmgr_before=$__before
}

_envmgr_whole=1
