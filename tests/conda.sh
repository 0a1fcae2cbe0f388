#!/bin/sh
# conda.sh SHELL ROOT activate NAME | deactivate: print what conda's `activate` and `deactivate` have a shell evaluate, in
# as far as other tools can notice: where on PATH a prefix goes, in whose place, and which variables say so. A stand-in
# for tests, after conda's documentation of activation, with `changeps1: false`; there is no conda on PyPI, npm or Debian.
set -eu
shell=$1 root=$2 level=${CONDA_SHLVL:-0} old=${CONDA_PREFIX-}

# NAME VALUE
set_() {
  value=$(printf %s "$2" | sed "s/'/'\\\\''/g")
  if [ "$shell" = fish ]; then printf "set -gx %s '%s'\n" "$1" "$value"; else printf "export %s='%s'\n" "$1" "$value"; fi
}
unset_() { if [ "$shell" = fish ]; then printf 'set -e %s\n' "$1"; else printf 'unset %s\n' "$1"; fi; }

# PREFIX: the prefix goes where the old one is on PATH, else to the front; without PREFIX the old one goes.
path() {
  rest=:$PATH:
  case $old,$rest in
    ,*) printf %s "${1:+$1/bin:}$PATH" && return ;;
    *:"$old/bin":*) rest="${rest%%:"$old/bin":*}:${1:+$1/bin:}${rest#*:"$old/bin":}" ;;
    *) rest=${1:+:$1/bin}$rest ;;
  esac
  rest=${rest#:} && printf %s "${rest%:}"
}

# PREFIX LEVEL
activate() {
  name=${1##*/}
  [ "$1" != "$root" ] || name=base
  set_ PATH "$(path "$1")"
  set_ CONDA_PREFIX "$1"
  set_ CONDA_SHLVL "$2"
  set_ CONDA_DEFAULT_ENV "$name"
  set_ CONDA_PROMPT_MODIFIER "($name) "
}

case $3,$level in
  activate,*)
    prefix=$root/envs/$4
    [ "$4" != base ] || prefix=$root
    if [ "$prefix" = "$old" ]; then level=$((level - 1)); elif [ "$old" ]; then set_ "CONDA_PREFIX_$level" "$old"; fi
    activate "$prefix" $((level + 1))
    ;;
  deactivate,0) ;;
  deactivate,1)
    set_ PATH "$(path '')"
    for name in CONDA_PREFIX CONDA_DEFAULT_ENV CONDA_PROMPT_MODIFIER; do unset_ "$name"; done
    set_ CONDA_SHLVL 0
    ;;
  deactivate,*)
    level=$((level - 1))
    activate "$(printenv "CONDA_PREFIX_$level")" "$level"
    unset_ "CONDA_PREFIX_$level"
    ;;
esac
