#!/bin/sh
# An envmgr shim: becomes the program that the shim's own name means in this directory. Builtins only, one exec.
#
# Linked as shims/<command>. Run under its own name, `sh shell/shim.sh COMMAND`, it prints the path instead.
# The rule is told in docs/reference/state-on-disk.md; src/envmgr/shell/programs.py tells the same in Python, and
# tests/conformance holds them to one table. What builtins cannot answer goes to `envmgr _shim`, or `_which`.
#
# The variables have odd names: one that the caller exports would change for the program that is run.

set -f
IFS=' 	' # blank and tab
__foreign='*[!A-Za-z0-9._+<=>!~,*@ -]*'

# PROGRAM [ARGUMENT...]: become it, or print it.
__run() {
  if [ "$__print" ]; then
    printf '%s\n' "$1"
    exit
  fi
  exec "$@"
}

# [ARGUMENT...]: leave it to Python.
__ask() {
  if ! [ -x "$__home/shell/envmgr" ]; then
    printf 'envmgr: error: %s/shell/envmgr is missing\n  run any envmgr command to write it anew\n' "$__home" >&2
    exit 127
  fi
  if [ "$__print" ]; then exec "$__home/shell/envmgr" _which "$__home" "$__command"; fi
  exec "$__home/shell/envmgr" _shim "$__home" "$__command" "$@"
}

# FILE: set __words to the words of a version file, joined by one blank.
__read() {
  __words=
  while read -r __line || [ "$__line" ]; do
    for __word in ${__line%%#*}; do __words="$__words $__word"; done
  done <"$1"
  __words=${__words# }
}

# FILE: __read, also for files with a byte order mark or carriage returns; these need a fork.
__read_any() {
  __read "$1"
  # shellcheck disable=SC2254 # a pattern
  case $__words in $__foreign) ;; *) return ;; esac
  IFS="$IFS$(printf '\r')"
  __read "$1"
  __words=${__words#"$(printf '\357\273\277')"}
  __words=${__words# }
}

# [ARGUMENT...]: set __project and __words from the nearest version file that holds a word; fail when there is none.
# Root leaves the files of others alone.
__walk() {
  __project=${PWD%/}
  while :; do
    __file=$__project/.python-version
    if [ -f "$__file" ] && { ! [ -O / ] || [ -O "$__file" ]; }; then
      if [ -r "$__file" ]; then
        __read_any "$__file"
        if [ "$__words" ]; then return 0; fi
      elif ! [ "${ENVMGR_VERSION-}" ]; then
        __ask "$@"
      fi
    fi
    if ! [ "$__project" ]; then return 1; fi
    __project=${__project%/*}
  done
}

# DIRECTORY: whether it, or a directory above it, is a symbolic link.
__linked() {
  __place=$1
  while [ "$__place" ]; do
    if [ -h "$__place" ]; then return 0; fi
    __place=${__place%/*}
  done
  return 1
}

# Set __env to the project's environment, if there is one that works. A project that was entered through a symbolic
# link, and is not on record under that name, costs a fork.
__environment() {
  __record=$__home/projects$__project/.envmgr/$__words
  if ! [ -f "$__record" ] && __linked "$__project"; then
    __record=$__home/projects$(cd -P -- "$__project/" && printf %s "${PWD%/}")/.envmgr/$__words
  fi
  if ! [ -f "$__record" ]; then return 1; fi
  read -r __env <"$__record" || :
  case $__env in *..*) return 1 ;; envs/?*) ;; *) return 1 ;; esac
  __env=$__home/$__env
  [ -x "$__env/bin/python" ]
}

# PROGRAM: whether it is a link to a shim; running that would come back here for ever.
__is_shim() {
  # shellcheck disable=SC3013 # POSIX has it since 2024, and shells before that
  [ "$1" -ef "$__home/shell/shim.sh" ]
}

# Set __program to $__command as the rest of PATH has it: not in our shims or environments, nor a link to a shim. The
# shims of pyenv and others may hand back to us; when this same process has been there, they are passed over.
__elsewhere() {
  IFS=:
  for __entry in ${PATH-}; do
    case $__entry in
      "$__home/shims" | "$__home/envs/"*) continue ;;
      /*/shims) if [ "${_ENVMGR_SHIM-}" = $$ ]; then continue; fi ;;
      /*) ;;
      *) continue ;;
    esac
    if [ -f "$__entry/$__command" ] && [ -x "$__entry/$__command" ] \
      && ! __is_shim "$__entry/$__command"; then
      __program=$__entry/$__command
      case $__entry in */shims) export _ENVMGR_SHIM=$$ ;; esac
      break
    fi
  done
  IFS=' 	'
}

# WORD [ARGUMENT...]: set __program if that Python has $__command and nothing before it had. Every word is looked at, so
# that no error hides behind a better word; one that is unknown here is for Python, which remembers a missing one as an
# empty request.
__consult() {
  if [ "$1" = system ]; then
    if ! [ "$__program" ]; then __elsewhere; fi
    return
  fi
  __alias=$1
  if ! [ -e "$__home/aliases/$1" ]; then
    __alias=
    if [ -f "$__home/requests/$1" ]; then read -r __alias <"$__home/requests/$1" || :; fi
    if ! [ "$__alias" ] || ! [ -e "$__home/aliases/$__alias" ]; then
      if [ "$__program" ] && [ -f "$__home/requests/$1" ]; then return; fi
      shift
      __ask "$@"
    fi
  fi
  if ! [ "$__program" ] && [ -x "$__home/aliases/$__alias/bin/$__command" ]; then
    __program=$__home/aliases/$__alias/bin/$__command
  fi
}

# PATH: print the store that a shim belongs to which was reached through a link elsewhere, or a PATH entry with dots.
__origin() (
  cd -P -- "${1%/*}/" || exit
  if [ -e ../shell/shim.sh ]; then
    cd .. && printf %s "$PWD"
  else
    __link=$(readlink -- "$1") || exit
    case $__link in /*) __origin "$__link" ;; *) __origin "$PWD/$__link" ;; esac
  fi
)

__print='' __command=${0##*/}
case $0 in /*) __dir=${0%/*} ;; */*) __dir=$PWD/${0%/*} ;; *) __dir=$PWD/. ;; esac
__home=${__dir%/*}
if ! [ -e "$__home/shell/shim.sh" ]; then __home=$(__origin "$__dir/$__command"); fi
if [ "$__command" = shim.sh ]; then
  __print=1 __command=${1:?which command?}
  set --
fi

__program=
if __walk "$@"; then __found=1; else
  __found='' __words=''
  if [ -r "$__home/default" ]; then __read_any "$__home/default"; fi
  __words=${__words:-system}
fi
if [ "${ENVMGR_VERSION-}" ]; then
  __pinned=
  for __word in $ENVMGR_VERSION; do __pinned="$__pinned $__word"; done
  __words=${__pinned:- $__words}
  __words=${__words# }
fi
# shellcheck disable=SC2254 # a pattern
case $__words in $__foreign | *..*) __ask "$@" ;; esac
if [ ${#__words} -gt 200 ]; then __ask "$@"; fi

if [ "$__found" ] && __environment; then
  if [ -x "$__env/bin/$__command" ]; then __run "$__env/bin/$__command" "$@"; fi
fi
__held=''
for __word in $__words; do
  __word=$__held$__word __held=''
  case $__word in *,) __held=$__word ;; *) __consult "$__word" "$@" ;; esac
done
if [ "$__program" ]; then __run "$__program" "$@"; fi
if [ -x "$__home/shims/$__command" ] && ! __is_shim "$__home/shims/$__command"; then
  __run "$__home/shims/$__command" "$@" # pythonX.Y
fi
case $__command in
  python | pythonw | python-config | python[0-9]* | pip | pip[0-9]* | pydoc | pydoc[0-9]*) ;;
  idle | idle[0-9]* | 2to3 | 2to3-*) ;;
  *) __elsewhere ;;
esac
if [ "$__program" ]; then __run "$__program" "$@"; fi
__ask "$@"
