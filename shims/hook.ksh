# shellcheck shell=ksh disable=SC2016,SC2154,SC2317 # _envmgr_hook; called from PS1
# envmgr for mksh, and ksh93 since u+m. Put into ~/.mkshrc or ~/.kshrc (`envmgr setup` writes this):
#   _envmgr_hook=~/.local/share/envmgr/shell/hook.ksh; . "$_envmgr_hook"
#
# These shells have no hook for prompts; so PS1 begins with a call that prints nothing and runs in the shell itself.
# Whoever sets PS1 later puts '${ _envmgr_prompt;}' before it. hook.bash tells the same, and why; ksh93 has no dynamic
# scope, hence the globals.

case $- in *i*) ;; *) return 0 ;; esac

_envmgr_home=${_envmgr_hook%/shell/hook.ksh}
case ${KSH_VERSION-} in *MIRBSD*) _envmgr_name=mksh ;; *) _envmgr_name=ksh ;; esac
_envmgr_env='' _envmgr_removed=''
_envmgr_text='' _envmgr_words='' _envmgr_variable='' _envmgr_pinned=''
_envmgr_project='' _envmgr_pin='' _envmgr_wanted=''
_envmgr_visit='' _envmgr_notified='' _envmgr_off='' _envmgr_before=''

function _envmgr_prompt {
  typeset status=$?
  _envmgr_update
  return $status
}

# Activate the environment of the directory, or none.
function _envmgr_update {
  if [[ -n ${VIRTUAL_ENV-} && ( -n ${_OLD_VIRTUAL_PATH-} || $VIRTUAL_ENV != "$_envmgr_env" ) ]]; then
    if [[ -n ${_OLD_VIRTUAL_PATH-} || $VIRTUAL_ENV != "$_envmgr_home"/envs/* ]]; then
      _envmgr_yield
      return
    fi
    _envmgr_leave # inherited, or restored by a tool that saves old values
    _envmgr_env=$VIRTUAL_ENV
    _envmgr_leave
  fi
  _envmgr_wanted=''
  if [[ ${ENVMGR_HOOK-} != off ]] && _envmgr_walk; then _envmgr_lookup; else _envmgr_visit='' _envmgr_off=''; fi
  if [[ $_envmgr_wanted != "$_envmgr_env" ]]; then
    _envmgr_leave
    if [[ -n $_envmgr_wanted ]]; then _envmgr_enter; fi
  elif [[ -n $_envmgr_wanted ]]; then
    if [[ ${VIRTUAL_ENV-} == "$_envmgr_env" && :${PATH-}: == *:"$_envmgr_env/bin":* ]]; then return; fi
    _envmgr_leave # PATH was reset, or the variable
    _envmgr_enter
  elif [[ -n $_envmgr_removed ]]; then
    _envmgr_strip "$_envmgr_removed/bin"
  fi
}

# Set _envmgr_project and _envmgr_pin from the nearest version file that holds a word; fail when there is none.
function _envmgr_walk {
  typeset file text
  _envmgr_project=${PWD-}
  _envmgr_project=${_envmgr_project%/}
  if [[ ${PWD-} != /* ]]; then return 1; fi # a search upwards from there would not end
  while :; do
    if [[ -n ${ENVMGR_CEILING_DIRS-} && :$ENVMGR_CEILING_DIRS: == *:"${_envmgr_project:-/}":* ]]; then return 1; fi
    file=$_envmgr_project/.python-version
    if [[ -f $file ]] && { [[ ! -O / ]] || [[ -O $file ]]; }; then
      text=''
      if [[ ! -r $file ]] || ! _envmgr_read "$file"; then text='!'; else text=$_envmgr_read; fi
      if [[ $text != "$_envmgr_text" ]]; then
        _envmgr_parse "$text"
        _envmgr_text=$text _envmgr_words=$_envmgr_pin
      fi
      _envmgr_pin=$_envmgr_words
      if [[ -n $_envmgr_pin ]]; then break; fi
    fi
    if [[ -z $_envmgr_project ]]; then return 1; fi
    _envmgr_project=${_envmgr_project%/*}
  done
  if [[ -n ${ENVMGR_VERSION-} ]]; then
    if [[ $ENVMGR_VERSION != "$_envmgr_variable" ]]; then
      _envmgr_parse "$ENVMGR_VERSION"
      _envmgr_variable=$ENVMGR_VERSION _envmgr_pinned=$_envmgr_pin
    fi
    _envmgr_pin=${_envmgr_pinned:-$_envmgr_words}
  fi
}

# FILE: set _envmgr_read to its text; fail if it has more than 8,192 bytes, or a NUL in it. A long one takes mksh long.
function _envmgr_read {
  if [[ $_envmgr_name == mksh ]] && IFS='' read -r -N 8193 _envmgr_read <"$1"; then return 1; fi
  if IFS='' read -r -d '' _envmgr_read <"$1"; then return 1; fi
  typeset LC_ALL=C # in ksh93 the length is in characters
  ((${#_envmgr_read} <= 8192))
}

# TEXT: set _envmgr_pin to the words of a version file, joined by one blank.
function _envmgr_parse {
  typeset line rest=${1#$'\xef\xbb\xbf'}$'\n'
  _envmgr_pin=''
  while [[ -n $rest ]] && ((${#_envmgr_pin} <= 200)); do
    line=${rest%%$'\n'*}
    rest=${rest#*$'\n'}
    line=${line%%'#'*}
    line=${line//[$'\t\r']/ }
    while [[ $line == *[!' ']* ]]; do
      line=${line#"${line%%[!' ']*}"}
      _envmgr_pin=${_envmgr_pin:+$_envmgr_pin }${line%%' '*}
      line=${line#"${line%%' '*}"}
    done
  done
}

# Set _envmgr_wanted to the environment on record, if it works; else print a note, once per visit.
function _envmgr_lookup {
  if [[ $_envmgr_visit != "$_envmgr_project/$_envmgr_pin" ]]; then
    _envmgr_visit=$_envmgr_project/$_envmgr_pin _envmgr_notified=''
    if [[ $_envmgr_off != "$_envmgr_project/" ]]; then _envmgr_off=''; fi
  fi
  if [[ -n $_envmgr_off || $_envmgr_pin == system ]] || _envmgr_record || [[ -n $_envmgr_notified ]]; then return; fi
  _envmgr_notified=1
  if [[ -x $_envmgr_home/shell/envmgr ]]; then
    "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "${_envmgr_project:-/}" </dev/null >&2
    _envmgr_record
  fi
}

# Set _envmgr_wanted from the record; fail when there is none, or its environment does not work.
function _envmgr_record {
  typeset record env=''
  if [[ $_envmgr_pin == *[!A-Za-z0-9._+\<\>=!~,*@\ -]* || $_envmgr_pin == *..* ]]; then return 1; fi
  if ((${#_envmgr_pin} > 200)) || ! _envmgr_physical "$_envmgr_project"; then return 1; fi
  record=$_envmgr_home/projects$_envmgr_real/.envmgr/$_envmgr_pin
  if [[ ! -f $record ]]; then return 1; fi
  IFS='' read -r env <"$record"
  if [[ $env != envs/?* || $env == *..* || ! -x $_envmgr_home/$env/bin/python ]]; then return 1; fi
  _envmgr_wanted=$_envmgr_home/$env
}

# DIRECTORY: set _envmgr_real to its physical path: with a symbolic link on the way, what `.real` names while it is the same
# directory; else fail.
function _envmgr_physical {
  typeset part=$1 file=$_envmgr_home/projects$1/.envmgr/.real
  _envmgr_real=$1
  while [[ -n $part && ! -h $part ]]; do part=${part%/*}; done
  if [[ -z $part ]]; then return 0; fi
  _envmgr_real=''
  if [[ -f $file ]]; then IFS='' read -r _envmgr_real <"$file"; fi
  [[ $_envmgr_real == /* && $1 -ef $_envmgr_real ]]
}

# Make _envmgr_wanted the active environment.
function _envmgr_enter {
  _envmgr_env=$_envmgr_wanted
  export PATH="$_envmgr_env/bin${PATH:+:$PATH}" VIRTUAL_ENV="$_envmgr_env"
  VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV%/*}
  VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT##*/}
  export VIRTUAL_ENV_PROMPT="${VIRTUAL_ENV_PROMPT%-*}"
  if [[ -n ${PYTHONHOME+x} ]]; then
    _envmgr_pythonhome=$PYTHONHOME
    unset PYTHONHOME
  fi
  if ! typeset -f deactivate >/dev/null; then
    function deactivate { if [[ ${1-} != nondestructive ]]; then envmgr deactivate; fi; }
    _envmgr_deactivate=1
  fi
}

# Undo what _envmgr_enter did, by value; anything that the user changed meanwhile stays.
function _envmgr_leave {
  if [[ -z $_envmgr_env ]]; then return 0; fi
  _envmgr_strip "$_envmgr_env/bin"
  _envmgr_removed=''
  if [[ :${PATH-}: != *:"$_envmgr_env/bin":* ]]; then _envmgr_removed=$_envmgr_env; fi
  _envmgr_env=''
  unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
  if [[ -n ${_envmgr_pythonhome+x} && -z ${PYTHONHOME+x} ]]; then export PYTHONHOME="$_envmgr_pythonhome"; fi
  if [[ -n ${_envmgr_deactivate-} ]]; then unset -f deactivate; fi
  unset _envmgr_pythonhome _envmgr_deactivate
}

# The user has activated another environment by hand: leave it. Undo what we did, also where the activate
# script has put it aside, so that its `deactivate` does not bring ours back.
function _envmgr_yield {
  typeset saved
  if [[ -z $_envmgr_env ]]; then return 0; fi
  _envmgr_strip "$_envmgr_env/bin" last
  if [[ -n ${_OLD_VIRTUAL_PATH-} ]]; then
    saved=$PATH PATH=$_OLD_VIRTUAL_PATH
    _envmgr_strip "$_envmgr_env/bin"
    _OLD_VIRTUAL_PATH=$PATH PATH=$saved
  fi
  _envmgr_env=''
  unset _envmgr_pythonhome _envmgr_deactivate
}

# DIRECTORY [last]: take the first, or last, occurrence of it from PATH.
function _envmgr_strip {
  typeset entries=:${PATH-}:
  if [[ $entries != *:"$1":* ]]; then return 0; fi
  if [[ -n ${2-} ]]; then
    entries=${entries%:"$1":*}:${entries##*:"$1":}
  else
    entries=${entries%%:"$1":*}:${entries#*:"$1":}
  fi
  entries=${entries#:}
  PATH=${entries%:}
}

# The verbs that only this shell can do; everything else is the program's.
function envmgr {
  case ${1-} in
    activate) _envmgr_off='' ;;
    deactivate) _envmgr_off=$_envmgr_project/ ;;
    shell)
      shift
      _envmgr_shell "$@" || return
      ;;
    unload)
      _envmgr_unload
      return
      ;;
    doctor)
      _ENVMGR_SHELL="$_envmgr_name $$" ENVMGR_HOME=${ENVMGR_HOME:-$_envmgr_home} "$_envmgr_home/shell/envmgr" "$@"
      return
      ;;
    *)
      ENVMGR_HOME=${ENVMGR_HOME:-$_envmgr_home} "$_envmgr_home/shell/envmgr" "$@"
      return
      ;;
  esac
  _envmgr_update
}

# [VERSION | --unset | -]: set ENVMGR_VERSION in this shell, unset it, swap it with the one before; or print it.
function _envmgr_shell {
  typeset before=${ENVMGR_VERSION-}
  case ${1-} in
    '') print -r -- "$before" && return ;;
    --unset) unset ENVMGR_VERSION ;;
    -) export ENVMGR_VERSION="$_envmgr_before" ;;
    *)
      envmgr find "$1" >/dev/null || return
      export ENVMGR_VERSION="$*"
      ;;
  esac
  if [[ -z ${ENVMGR_VERSION-} ]]; then unset ENVMGR_VERSION; fi
  _envmgr_before=$before
}

# Undo what sourcing did. A function that does nothing stays: PS1 may be called from another.
function _envmgr_unload {
  typeset name
  _envmgr_leave
  _envmgr_strip "$_envmgr_home/shims"
  PS1=${PS1#'${ _envmgr_prompt;}'}
  for name in home name env removed text words variable pinned project pin wanted visit notified off before hook read real; do
    unset "_envmgr_$name"
  done
  unset -f envmgr
  for name in update walk parse lookup record enter leave yield strip shell read physical unload; do unset -f "_envmgr_$name"; done
  case ${PS1-} in *_envmgr_prompt*) function _envmgr_prompt { return $?; } ;; *) unset -f _envmgr_prompt ;; esac
}

case ${PS1-} in
  *_envmgr_prompt*) ;;
  *) PS1='${ _envmgr_prompt;}'${PS1:-'$ '} ;; # ksh93 sets its default later
esac

# The shims come first on PATH; an environment goes before them when it is entered.
_envmgr_strip "$_envmgr_home/shims"
export PATH="$_envmgr_home/shims${PATH:+:$PATH}"
