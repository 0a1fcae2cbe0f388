# shellcheck shell=bash disable=SC2034,SC2128,SC2178,SC2179 # PROMPT_COMMAND is a string or an array
# A stand-in for bash-preexec (https://github.com/rcaloras/bash-preexec), which is in none of the registries that the tests may
# use. It does to PROMPT_COMMAND and precmd_functions what bash-preexec 0.4 does, and with `preexec_edition=6` what 0.6 does:
# at the first prompt it puts itself before all that is in PROMPT_COMMAND, and calls precmd_functions from there.
if [[ ${preexec_edition-} == 6 ]]; then bash_preexec_imported=defined; else __bp_imported=defined; fi

__bp_precmd_invoke_cmd() {
  __bp_last_ret_value=$?
  local one
  for one in "${precmd_functions[@]}"; do
    if type -t "$one" >/dev/null; then
      __bp_status "$__bp_last_ret_value"
      "$one"
    fi
  done
}
__bp_status() { return "$1"; }
__bp_interactive_mode() { __bp_interactive=on; }

__bp_install() {
  local before=${PROMPT_COMMAND//__bp_install/}
  before=${before%$'\n'}
  before=${before%;}
  PROMPT_COMMAND=__bp_precmd_invoke_cmd
  if [[ $before ]]; then PROMPT_COMMAND+=$'\n'$before; fi
  if [[ ${preexec_edition-} == 6 ]]; then
    PROMPT_COMMAND+=('__bp_interactive_mode')
  else
    PROMPT_COMMAND+=$'\n__bp_interactive_mode'
  fi
  precmd_functions+=(precmd)
  __bp_precmd_invoke_cmd
  __bp_interactive_mode
}
PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__bp_install
