# shellcheck shell=bash
# `use envmgr` in an .envrc, for those who activate with direnv instead of the hook, or have both.
# Put into ~/.config/direnv/direnvrc:  . ~/.local/share/envmgr/shell/direnv.sh

# [VERSION...]: activate the environment of the project's version file, or of these words; `envmgr use` makes a missing one.
use_envmgr() {
  local environment envmgr=${BASH_SOURCE[0]%/*}/envmgr
  watch_file .python-version
  if [[ $# -gt 0 ]]; then export ENVMGR_VERSION="$*"; fi
  environment=$("$envmgr" env path 2>/dev/null) ||
    { "$envmgr" use "$@" >&2 && environment=$("$envmgr" env path); } || return
  export VIRTUAL_ENV=$environment
  # what the hook has put there is the hook's to take away
  if [[ :$PATH: != *:"$environment/bin":* ]]; then PATH_add "$environment/bin"; fi
}
