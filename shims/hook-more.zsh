# The part of the hook that hook.zsh reads at the first use: what `envmgr allow` granted, an environment that the user activated, the command
# `envmgr`. Runs under the options that hook.zsh sets. A shell that was started before an update reads the new hook.zsh
# first.

if [[ ${_envmgr_edition-} != 0.1.0 ]]; then
  _envmgr_reading=1 _envmgr_source=$_envmgr_home/shell/hook.zsh
  builtin . "$_envmgr_source"
  builtin unset _envmgr_reading _envmgr_source
  if [[ $_envmgr_edition != 0.1.0 ]]; then return 0; fi # an update is just being written
  _envmgr_again=1
fi

# Set __env to the environment that was allowed, if that still holds; else say so, once per visit.
_envmgr_granted() {
  builtin local __folder=${_envmgr_grant%/*}
  if _envmgr_check "$__folder"; then
    IFS='' builtin read -r __env <"$__folder/.allowed"
    if [[ -z $__env ]]; then return 1; fi
    if [[ -e $__folder/.checked/environment && -x $__env/bin/python ]]; then return; fi
  fi
  __env=''
  _envmgr_changed
  return 1
}

# Ask, once per visit, whether the Python of an allowed environment is what the pin asks for; the answer yes is on record.
_envmgr_compare() {
  builtin local __pin=''
  if [[ -f ${_envmgr_grant%/*}/.answers ]]; then IFS='' builtin read -r __pin <"${_envmgr_grant%/*}/.answers"; fi
  if [[ $__pin == "$__words" ]]; then return; fi
  _envmgr_notified=1
  if [[ -x $_envmgr_home/shell/envmgr ]]; then
    "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "$PWD" </dev/null >&3 2>&3 3>&-
  fi
}

# Whether no path that the grant in record folder $1 rests on has changed since envmgr looked at it: each has a stamp with
# its modification time, and is still ours where the list says so.
_envmgr_checked() {
  builtin local __line=''
  _envmgr_written='' _envmgr_paths=()
  if [[ ! -f $1/.checked/paths ]]; then return 1; fi
  if [[ -f $1/.checked/written ]]; then _envmgr_written=$(<"$1/.checked/written"); fi
  while IFS='' builtin read -r __line; do
    _envmgr_paths+=("$__line")
  done <"$1/.checked/paths"
  if (( ! $#_envmgr_paths )) || ! _envmgr_match_stamps "$1"; then
    _envmgr_written=''
    return 1
  fi
}

# FOLDER: whether each of _envmgr_paths has the time of its stamp, and the owner that the list asks for.
_envmgr_match_stamps() {
  builtin local __line __path __stamp __number=0
  for __line in $_envmgr_paths; do
    __path=${__line:1} __stamp=$1/.checked/$__number
    if [[ -e $__path && -e $__stamp ]]; then
      if [[ $__path -nt $__stamp || $__stamp -nt $__path || ( $__line == +* && ! -O $__path ) ]]; then return 1; fi
    elif [[ -e $__path || -e $__stamp ]]; then
      return 1
    fi
    (( __number += 1 ))
  done
}

# At an idle prompt, whether the grant is the one that _envmgr_checked looked at last, and no path has changed since.
_envmgr_grant_holds() {
  builtin emulate -LR zsh
  builtin local __folder=${_envmgr_grant%/*} __records _envmgr_real
  if [[ -z $_envmgr_written || -n $_envmgr_refused || ! -f $_envmgr_grant || ! -f $__folder/.checked/written ]]; then return 1; fi
  [[ $(<"$__folder/.checked/written") == "$_envmgr_written" ]] && _envmgr_current "${_envmgr_allowed%/}" &&
    [[ $__records == "$__folder" ]] && _envmgr_match_stamps "$__folder"
}

# FOLDER: have envmgr look again at the grant in this record folder, where something that it rests on has changed. Fails
# when the result is not known; then nothing counts as allowed.
_envmgr_check() {
  if _envmgr_checked "$1"; then return; fi
  "$_envmgr_home/shell/envmgr" _recheck "$_envmgr_home" "$_envmgr_allowed" </dev/null >&3 2>&3 3>&-
  case $? in
    (0) ;;
    (10) _envmgr_stale=$_envmgr_allowed ;; # it said what does not hold any more
    (*) return 1 ;;
  esac
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

# Whether the variables of _envmgr_allowed still are what was allowed.
_envmgr_unchanged() {
  _envmgr_check "${_envmgr_grant%/*}" && [[ -e ${_envmgr_grant%/*}/.checked/variables ]]
}

# Whether the variables that the shell before this one has set are those that are allowed now.
_envmgr_inherited() {
  builtin local __name __new
  for __name in ${(s.:.)_ENVMGR_NAMES}; do
    if [[ $__name != [A-Za-z_]* || $__name == *[^A-Za-z0-9_]* ]]; then return 1; fi
    __new=_ENVMGR_NEW_$__name
    if [[ $'\n'$__grant != *$'\n'"$__name=${(P)__new-}"$'\n'* ]]; then return 1; fi
  done
}

# Whether the variables are to be set again: `envmgr allow` was called in another terminal, or they could not be set before.
_envmgr_renewed() {
  builtin local __grant
  _envmgr_values
  if [[ -z $_envmgr_values && -n ${_ENVMGR_NAMES-} ]] && _envmgr_inherited; then _envmgr_set; fi
  [[ $__grant != "$_envmgr_values" ]] || { [[ -n $_envmgr_refused ]] && _envmgr_unchanged }
}

# Set the variables that were allowed in _envmgr_allowed, if the files that they come from are still the same.
_envmgr_set() {
  builtin local __folder=${_envmgr_grant%/*} __name __value __grant
  _envmgr_values
  _envmgr_loaded=$_envmgr_allowed _envmgr_values=$__grant _envmgr_refused=''
  if [[ -d $__folder/.variables ]] && ! _envmgr_unchanged; then
    _envmgr_refused=1
    _envmgr_changed
    return
  fi
  while IFS='' builtin read -r __name; do
    if [[ $__name == *[^A-Za-z0-9_]* || ! -f $__folder/.variables/$__name ]]; then continue; fi
    if [[ :${_ENVMGR_NAMES-} == *:"$__name:"* ]]; then continue; fi # inherited
    IFS='' builtin read -r -d '' __value <"$__folder/.variables/$__name"
    if [[ -n ${(P)__name+x} ]]; then
      if [[ ${(P)__name} == "$__value" || ${(tP)__name} == *(readonly|integer|float|array|association|special)* ]]; then
        continue # assigning to a number evaluates
      fi
      if [[ ${(tP)__name} == *export* ]]; then
        builtin typeset -gx "_ENVMGR_OLD_$__name=${(P)__name}"
      else
        _envmgr_own[$__name]=${(P)__name}
      fi
    fi
    # exported: a shell started in this one undoes them, too
    builtin typeset -gx "_ENVMGR_NEW_$__name=$__value" _ENVMGR_NAMES=${_ENVMGR_NAMES-}$__name: _ENVMGR_PLACE=$_envmgr_allowed
    builtin typeset -gx "$__name=$__value"
  done <"$__folder/.allowed"
}

# Undo _envmgr_set by value: what the user has changed since stays.
_envmgr_drop() {
  builtin local __name __old __new
  for __name in ${(s.:.)_ENVMGR_NAMES-}; do
    if [[ $__name != [A-Za-z_]* || $__name == *[^A-Za-z0-9_]* ]]; then continue; fi
    __old=_ENVMGR_OLD_$__name __new=_ENVMGR_NEW_$__name
    if [[ -n ${(P)__name+x} && ${(P)__name} == "${(P)__new-}" ]]; then
      if (( ${+_envmgr_own[$__name]} )); then
        builtin typeset -g +x "$__name"
        : ${(P)__name::=$_envmgr_own[$__name]}
      elif [[ -n ${(P)__old+x} ]]; then
        : ${(P)__name::=${(P)__old}}
      else
        builtin unset "$__name"
      fi
    fi
    builtin unset "$__old" "$__new"
  done
  builtin unset _ENVMGR_NAMES _ENVMGR_PLACE
  _envmgr_own=() _envmgr_loaded=''
}

# The user has activated another environment, or ours, by hand: leave it. Undo what we did, also where the
# activate script has put it aside, so that its `deactivate` does not bring ours back.
_envmgr_yield() {
  builtin local __saved
  _envmgr_strip "$_envmgr_env/bin" last
  if [[ -n ${_OLD_VIRTUAL_PATH-} ]]; then
    __saved=$PATH PATH=$_OLD_VIRTUAL_PATH
    _envmgr_strip "$_envmgr_env/bin"
    _OLD_VIRTUAL_PATH=$PATH PATH=$__saved
    if [[ -n ${_ENVMGR_PYTHONHOME-} ]]; then builtin typeset -g _OLD_VIRTUAL_PYTHONHOME=$_ENVMGR_PYTHONHOME; fi
  fi
  builtin unset _ENVMGR_PYTHONHOME _envmgr_deactivate
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

builtin typeset -g _envmgr_written='' # when the grant was written that _envmgr_checked looked at last, and its paths
builtin typeset -ga _envmgr_paths
_envmgr_more_loaded=1
