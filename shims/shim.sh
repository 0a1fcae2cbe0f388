#!/bin/sh
# An envmgr shim: executes the command of its own name for the current directory. Builtins only, one exec.
#
# Linked as shims/<command>. Run under its own name, `sh shell/shim.sh COMMAND`, it prints the path instead.
# The rule is in docs/reference/state-on-disk.md; src/envmgr/shell/programs.py implements it in Python, and
# tests/conformance tests all of them against one table. What builtins cannot answer goes to `envmgr _shim`, or `_which`.
#
# A shell parses a script as it goes, so what is common comes first, and what is rare is defined after it. The variables
# have odd names because one that the caller exports would change for the program that is run.

set -f
IFS=' 	' # blank and tab
__invalid='*[!A-Za-z0-9._+<=>!~,*@ -]*'

# [ARGUMENT...]: leave it to Python.
__ask() {
  if ! [ -x "$__home/shell/envmgr" ]; then
    case $__home in *[![:print:]]*) __home="(its store)" ;; esac # its name could steer a terminal
    printf 'envmgr: error: %s/shell/envmgr is missing\n  run any envmgr command to write it anew\n' "$__home" >&2
    exit 127
  fi
  if [ "$__print" ]; then exec "$__home/shell/envmgr" _which "$__home" "$__command"; fi
  exec "$__home/shell/envmgr" _shim "$__home" "$__command" "$@"
}

# PROGRAM [ARGUMENT...]: execute it, or print its path. A path that could steer a terminal is for Python: a shell that cannot
# execute a program says so, and prints the path, and its own.
__run() {
  if [ "$__print" ]; then
    if [ -t 1 ]; then
      case $1 in *[!A-Za-z0-9/._+@\ -]*) __ask ;; esac
    fi
    printf '%s\n' "$1"
    exit
  fi
  case $0$1 in *[[:cntrl:]]*) shift && __ask "$@" ;; esac
  if __installs "$@"; then
    case $1 in "$__home"/*) shift && __ask "$@" ;; esac
    if [ -f "${1%/*}/../pyvenv.cfg" ]; then shift && __ask "$@"; fi
  fi
  exec "$@"
}

# PROGRAM [ARGUMENT...]: whether $__command may install or remove programs. Python runs it, and makes their shims.
__installs() {
  case $__command in
    pip | pip[0-9]* | uv) ;;
    python | python[0-9]*)
      case " ${2-} ${3-} ${4-} ${5-} " in
        *" -m ensurepip "*) return ;;
        *" -m pip "* | *" -mpip "*) ;;
        *) return 1 ;;
      esac
      ;;
    *) return 1 ;;
  esac
  case " $* " in *" install "* | *" uninstall "* | *" sync "* | *" add "* | *" remove "*) ;; *) return 1 ;; esac
}

# FILE: set __words to the words of a version file, joined by one blank. A file of more than 8,192 bytes is an error. A
# shell may count characters, of up to four bytes, so what could be as large is for Python, which counts bytes.
__read() {
  __words='' __size=0
  while IFS='' read -r __line || [ "$__line" ]; do
    __size=$((__size + ${#__line} + 1))
    if [ "$__size" -gt 2048 ]; then
      __unread=large __words=!
      return
    fi
    for __word in ${__line%%#*}; do __words="$__words $__word"; done
  done <"$1"
  __words=${__words# }
}

# FILE: __read, also for files with a byte order mark or carriage returns; these need a fork.
__read_any() {
  __read "$1"
  # shellcheck disable=SC2254 # a pattern
  case $__words in $__invalid) ;; *) return ;; esac
  IFS="$IFS$(printf '\r')"
  __read "$1"
  __words=${__words#"$(printf '\357\273\277')"}
  __words=${__words# }
}

# DIRECTORY: whether a symbolic link is on the way to it.
__is_linked() {
  __place=$1
  while [ "$__place" ] && ! [ -h "$__place" ]; do __place=${__place%/*}; done
  [ "$__place" ]
}

# DIRECTORY: set __real to its physical path. Where a symbolic link is on the way, that is what `.real` names while it is
# the same directory and has no link on the way itself; else it costs a fork.
__physical() {
  __real=$1
  if ! __is_linked "$1"; then return; fi
  __real=''
  if [ -f "$__home/projects$1/.envmgr/.real" ]; then IFS='' read -r __real <"$__home/projects$1/.envmgr/.real" || :; fi
  # shellcheck disable=SC3013 # POSIX has it since 2024, and shells before that
  case $__real in /*) if [ "$1/" -ef "$__real/" ] && ! __is_linked "$__real"; then return; fi ;; esac
  __real=$(cd -P -- "$1/" && printf %s/ "${PWD%/}")
  __real=${__real%/}
}

__print='' __command=${0##*/} __unread=''
__home=${0%/*} __home=${__home%/*}
case $0 in [!/]* | */./* | */../* | *//*) __home='' ;; esac
if ! [ "$__home" ] || ! [ -e "$__home/shell/shim.sh" ]; then
  # PATH: print the store of a shim that was reached through links elsewhere, or a PATH entry with dots.
  __origin() (
    cd -P -- "${1%/*}/" || exit
    if [ -e ../shell/shim.sh ]; then
      cd .. && printf %s "$PWD"
    else
      __link=$(readlink -- "$1") || exit
      case $__link in /*) __origin "$__link" ;; *) __origin "$PWD/$__link" ;; esac
    fi
  )
  case $0 in /*) __home=$(__origin "$0") ;; *) __home=$(__origin "$PWD/$0") ;; esac
fi
if [ "$__command" = shim.sh ]; then
  if ! [ "${1-}" ]; then
    echo 'envmgr: error: which command?' >&2
    exit 2
  fi
  __print=1 __command=$1
  set --
fi

# The project: the nearest directory whose version file holds a word. Root leaves the files of others alone.
# On the way, the nearest directory that `envmgr allow` was run in.
__words='' __allowed=''
case ${PWD-} in
  /*) __project=${PWD%/} ;;
  *) __project=none ;; # in a directory that was removed some shells say `.`, and the search would not end
esac
while [ "$__project" != none ]; do
  case :${ENVMGR_CEILING_DIRS-}: in
    *:"${__project:-/}":*)
      __project=none
      break
      ;;
  esac
  if [ -f "$__home/projects$__project/.envmgr/.allowed" ] && ! [ "$__allowed" ]; then
    __physical "$__project"
    if [ -f "$__home/projects$__real/.envmgr/.allowed" ] && ! [ -h "$__home/projects$__real/.envmgr" ]; then
      __allowed=$__real/
    fi
  fi
  __file=$__project/.python-version
  if [ -f "$__file" ] && { ! [ -O / ] || [ -O "$__file" ]; }; then
    if [ -r "$__file" ]; then __read_any "$__file"; else __unread=1 __words=!; fi
    if [ "$__words" ]; then break; fi
  fi
  if ! [ "$__project" ]; then
    __project=none
    break
  fi
  __project=${__project%/*}
done
if [ "${ENVMGR_VERSION-}" ]; then
  __pinned=''
  for __word in $ENVMGR_VERSION; do __pinned="$__pinned $__word"; done
  if [ "$__pinned" ]; then
    __words=${__pinned# }
    if [ "$__unread" != large ]; then __unread=''; fi # a large one may hold no word, and make no project
  fi
fi
if [ -z "$__words" ] && [ -f "$__home/default" ] && [ -r "$__home/default" ]; then __read_any "$__home/default"; fi
__words=${__words:-system}
# shellcheck disable=SC2254 # a pattern
case $__words in $__invalid | *..*) __unread=1 ;; esac
if [ ${#__words} -gt 200 ]; then __unread=1; fi

# Records and grants belong to the physical path of a project.
if [ "$__project" != none ]; then
  __physical "$__project"
  if ! [ "$__allowed" ] && [ -f "$__home/projects$__real/.envmgr/.allowed" ] && ! [ -h "$__home/projects$__real/.envmgr" ]; then
    __allowed=$__real/
  fi
fi

# What was allowed comes first, while envmgr found it as granted and no path that it rests on has changed since; each has a
# stamp with its modification time. What has changed is for Python, which looks again and writes the stamps anew.
if [ "$__allowed" ]; then
  __folder=$__home/projects${__allowed%/}/.envmgr
  __unchanged() {
    [ -f "$__folder/.checked/paths" ] || return
    __number=0
    while IFS='' read -r __line; do
      __path=${__line#?} __stamp=$__folder/.checked/$__number
      if [ -e "$__path" ] && [ -e "$__stamp" ]; then
        # shellcheck disable=SC3013 # POSIX has it since 2024, and shells before that
        if [ "$__path" -nt "$__stamp" ] || [ "$__stamp" -nt "$__path" ]; then return 1; fi
        case $__line in +*) [ -O "$__path" ] || return ;; esac # it was ours
      elif [ -e "$__path" ] || [ -e "$__stamp" ]; then
        return 1
      fi
      __number=$((__number + 1))
    done <"$__folder/.checked/paths"
    [ "$__number" != 0 ]
  }
  if ! __unchanged; then __ask "$@"; fi
  IFS='' read -r __env <"$__folder/.allowed"
  if [ "$__env" ] && [ -e "$__folder/.checked/environment" ] && [ -x "$__env/bin/$__command" ]; then
    __run "$__env/bin/$__command" "$@"
  fi
fi

# Its environment, if one is on record that works.
if [ "$__project" != none ] && ! [ "$__unread" ]; then
  __folder=$__home/projects$__real/.envmgr
  if [ -f "$__folder/$__words" ] && ! [ -h "$__folder" ]; then
    read -r __env <"$__folder/$__words" || :
    case $__env in
      *..*) ;;
      envs/?*)
        __env=$__home/$__env/bin
        if [ -x "$__env/python" ] && [ -x "$__env/$__command" ]; then __run "$__env/$__command" "$@"; fi
        ;;
    esac
  fi
fi
# One word that is an alias.
if [ -x "$__home/aliases/$__words/bin/$__command" ] && ! [ "$__unread" ]; then
  __run "$__home/aliases/$__words/bin/$__command" "$@"
fi

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

if [ "$__unread" ]; then __ask "$@"; fi
__program='' __partial=''
for __word in $__words; do
  __word=$__partial$__word __partial=''
  case $__word in *,) __partial=$__word ;; *) __consult "$__word" "$@" ;; esac
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
