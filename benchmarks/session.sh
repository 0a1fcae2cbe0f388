# Time one session of bash or zsh:  bash --norc -i session.sh WHAT MODE ROUNDS   (zsh: -f -i)
#   WHAT   envmgr, direnv, mise, pyenv-virtualenv, none, or floor: the same checks in builtins without any action
#   MODE   idle: nothing changed since the last prompt;  cd: change to the other project, then the prompt
# Print the microseconds of each prompt. HERE and THERE are the two directories, STORE is $ENVMGR_HOME. Fail if a tool that is
# timed has set VIRTUAL_ENV and ACTIVE is empty, or the reverse: a tool that does nothing must not count as fast.
# shellcheck shell=bash disable=SC1090,SC2154
WHAT=$1 MODE=$2 ROUNDS=$3

if [ -n "${ZSH_VERSION-}" ]; then
  SHELL_NAME=zsh
  zmodload zsh/datetime
  prompt() {
    local each
    for each in $precmd_functions; do $each; done
  }
else
  SHELL_NAME=bash
  PROMPT_COMMAND=
  prompt() {
    local each
    for each in "${PROMPT_COMMAND[@]}"; do eval "$each"; done
  }
fi

now() { # set NOW to the time in microseconds; zsh has more digits
  NOW=${EPOCHREALTIME/[.,]/}
  NOW=${NOW:0:16}
}

floor() {
  local d=$PWD v=
  while :; do
    if [ -f "$d/.python-version" ]; then
      IFS= read -r v <"$d/.python-version"
      break
    fi
    [ -n "$d" ] || break
    d=${d%/*}
  done
  [ "$d:$v:${VIRTUAL_ENV-}" = "$KNOWN" ] || KNOWN=$d:$v:${VIRTUAL_ENV-}
}

case $WHAT in
  none) ;;
  floor) if [ $SHELL_NAME = zsh ]; then precmd_functions=(floor); else PROMPT_COMMAND=floor; fi ;;
  envmgr) . "$STORE/shell/hook.$SHELL_NAME" ;;
  direnv) eval "$(direnv hook $SHELL_NAME)" ;;
  mise) eval "$(mise activate $SHELL_NAME)" ;;
  pyenv-virtualenv) eval "$(pyenv init - $SHELL_NAME)"; eval "$(pyenv virtualenv-init - $SHELL_NAME)" ;;
esac

cd "$HERE" || exit
prompt
prompt
case $WHAT in none | floor) ;; *) [ "${VIRTUAL_ENV:+1}" = "$ACTIVE" ] || exit 1 ;; esac
i=0
while [ $i -lt "$ROUNDS" ]; do
  now
  start=$NOW
  if [ "$MODE" = cd ]; then
    if [ $((i % 2)) = 0 ]; then cd "$THERE" || exit; else cd "$HERE" || exit; fi
  fi
  prompt
  now
  echo $((NOW - start))
  i=$((i + 1))
done
