# envmgr for zsh 5.0.8 and later. Put into ~/.zshrc:  . ~/.local/share/envmgr/shell/hook.zsh
#
# Before each prompt and after each change of directory, with builtins alone: walk up to the nearest .python-version,
# look its words up among the records (docs/reference/state-on-disk.md), and enter or leave the environment found there.
# At a prompt, one call of `envmgr _enter` for a project that has no record; it prints notes and may write one. Nothing
# of a project, and no data, is ever evaluated. hook.bash has the reasons. What a shell seldom needs is in hook-more.zsh,
# which is read at the first use: parsing is all that sourcing costs.
#
# The file is read again by itself, under zsh's own options and without aliases; its functions run under these, too. Up to
# there it is written for any options. zsh itself keeps $? and pipestatus for the user and for the next hook. `$(<file)`
# does not fork.

[[ -o interactive ]] || return 0
if [[ -z "${_envmgr_source-}" ]]; then
  _envmgr_source="$0" # not this file with functionargzero unset; what tells then loads a module
  builtin emulate -R zsh -c 'if [[ $_envmgr_source != /*/shell/hook.zsh ]]; then _envmgr_source=${funcsourcetrace[1]%:*}; fi'
  builtin emulate -R zsh -o noaliases -c 'builtin . "${_envmgr_source:a}"'
  builtin unset _envmgr_source
  builtin autoload -Uz _envmgr # here, because it needs the options of zsh's completion
  if builtin typeset +f compdef >/dev/null; then compdef _envmgr envmgr; fi
  return 0
fi
_envmgr_kept='' # a shell that reads this file again, because it was replaced, keeps its state
if [[ -n ${_envmgr_home+x} ]] && builtin functions _envmgr_prompt >/dev/null; then _envmgr_kept=1; fi

_envmgr_prompt() {
  if _envmgr_idle; then return; fi
  builtin emulate -LR zsh
  _envmgr_again=''
  _envmgr_update
  _envmgr_seen=${PWD-}:${VIRTUAL_ENV-}:${ENVMGR_VERSION-}:${ENVMGR_HOOK-}:${PATH-}
  if [[ -n $_envmgr_again ]]; then # these functions may have been replaced
    _envmgr_seen=''
    _envmgr_prompt
  fi
}

# Whether nothing has changed since the last time: no variable, no nearer version file, not what the one says that rules,
# and the environment is still there and on record, or still is not; and a grant of `envmgr allow` is as it was.
_envmgr_idle() {
  builtin local __file
  if [[ "${PWD-}:${VIRTUAL_ENV-}:${ENVMGR_VERSION-}:${ENVMGR_HOOK-}:${PATH-}" != "$_envmgr_seen" ]]; then return 1; fi
  if [[ "${ENVMGR_HOOK-}" == cd ]]; then return 0; fi # for slow filesystems
  for __file in "${_envmgr_nearer[@]}"; do
    if [[ -f "$__file" ]]; then return 1; fi
  done
  if [[ -n "$_envmgr_allowed" ]]; then
    if ! _envmgr_grant_holds; then return 1; fi
  elif [[ -f "$_envmgr_grant" ]]; then
    return 1
  fi
  if [[ -n "$_envmgr_real" ]]; then # a link to the project may lead elsewhere by now
    if ! [[ "$_envmgr_project" -ef "$_envmgr_real" ]]; then return 1; fi
  elif [[ -n "$_envmgr_record" && -L "$_envmgr_project" ]]; then
    return 1
  fi
  if [[ -n "$_envmgr_file" ]]; then
    if [[ ! -f "$_envmgr_file" || ! -r "$_envmgr_file" || "$(<"$_envmgr_file")" != "$_envmgr_text" ]]; then return 1; fi
  fi
  if [[ -n "$_envmgr_env" ]]; then
    if [[ "$_envmgr_notified" != git ]] && _envmgr_unignored; then return 1; fi
    [[ -x "$_envmgr_env/bin/python" ]] || return
    [[ -z "$_envmgr_record" ]] && return # it is the allowed one
    [[ -f "$_envmgr_record" && "$_envmgr_home/$(<"$_envmgr_record")" == "$_envmgr_env" ]]
  else
    [[ ! -f "$_envmgr_record" ]]
  fi
}

# `cd project && python` on one line, and in a subshell, which is silent: completing `cd ../` is one, too. What needs a call
# waits for the prompt.
_envmgr_cd() {
  builtin emulate -LR zsh
  if (( ZSH_SUBSHELL )); then
    _envmgr_update quietly 2>/dev/null
    return
  fi
  _envmgr_again=''
  _envmgr_update quietly
  if [[ -n $_envmgr_again ]]; then # these functions may have been replaced
    _envmgr_cd
    return
  fi
  if [[ -z $_envmgr_allowed && ( -n $_envmgr_env || -z $_envmgr_record ) ]]; then # no note is left for the prompt
    _envmgr_seen=${PWD-}:${VIRTUAL_ENV-}:${ENVMGR_VERSION-}:${ENVMGR_HOOK-}:${PATH-}
  fi
}

# [quietly]: activate the environment of the directory, or none. Whatever happens, it prints nothing but notes.
_envmgr_update() {
  builtin local __project='' __words='' __env=''
  { _envmgr_change "$@" } 3>&2 2>/dev/null
}

_envmgr_change() {
  if [[ -n ${VIRTUAL_ENV-} ]]; then
    if [[ -n ${_OLD_VIRTUAL_PATH-} ||
      ( $VIRTUAL_ENV != "$_envmgr_env" && $VIRTUAL_ENV != "$_envmgr_home"/envs/* && $VIRTUAL_ENV != "${_ENVMGR_ENV-}" ) ]]; then
      if [[ -n $_envmgr_env ]] && _envmgr_more 2>&3; then _envmgr_yield; fi
      _envmgr_env=''
      builtin unset _ENVMGR_ENV
      return
    elif [[ $VIRTUAL_ENV != "$_envmgr_env" ]]; then
      _envmgr_leave # inherited, or restored by a tool that saves old values
      _envmgr_env=$VIRTUAL_ENV
      _envmgr_leave
    elif [[ -n ${CONDA_PREFIX-} && ${PATH-} == *"$_envmgr_env/bin"* && :${PATH%%"$_envmgr_env/bin"*} == *:"$CONDA_PREFIX/bin:"* ]]; then
      _envmgr_off=$_envmgr_project/ # `conda activate` in the project
    fi
  fi
  if [[ ${ENVMGR_HOOK-} == off ]]; then
    _envmgr_pwd='' _envmgr_allowed='' _envmgr_visit='' _envmgr_off=''
  else
    if [[ :${PATH-}: != *:"$_envmgr_home/shims":* ]]; then # it was reset
      _envmgr_leave
      builtin typeset -gx PATH=$_envmgr_home/shims${PATH:+:$PATH}
    fi
    if [[ ${PWD-} != "$_envmgr_pwd" ]] || ! _envmgr_grant_is_current; then _envmgr_find_grant; fi
    if _envmgr_walk || [[ -n $_envmgr_allowed ]]; then _envmgr_lookup "$@"; else _envmgr_visit='' _envmgr_off=''; fi
  fi
  if { [[ $_envmgr_allowed != "$_envmgr_loaded" ]] && _envmgr_more } || { [[ -n $_envmgr_allowed ]] && _envmgr_renewed }; then
    _envmgr_leave
    _envmgr_drop
    if [[ -n $_envmgr_allowed ]]; then _envmgr_set; fi
  fi
  if [[ $__env != "$_envmgr_env" ]]; then
    _envmgr_leave
    if [[ -n $__env ]]; then _envmgr_enter "$__env"; else _envmgr_clean; fi
  elif [[ -n $__env ]]; then
    if [[ ${VIRTUAL_ENV-} != "$__env" || :${PATH-}: != *:"$__env/bin":* ]]; then
      _envmgr_leave # PATH was reset, or the variable
      _envmgr_enter "$__env"
    elif [[ $PATH == *"$_envmgr_home/envs/"*"$_envmgr_home/envs/"* ]]; then
      _envmgr_clean
    fi
  elif [[ ${PATH-} == *"$_envmgr_home/envs/"* ]]; then
    _envmgr_clean
  fi
}

# Set __project and __words from the nearest version file that holds a word; fail when there is none. Root leaves the
# files of others alone. `!` stands for what shells do not read: what is unreadable, too long, or has a NUL in it.
_envmgr_walk() {
  builtin local __file __text
  builtin local -a __large
  __project=${PWD-}
  __project=${__project%/}
  _envmgr_nearer=() _envmgr_file='' _envmgr_record='' _envmgr_real=''
  while [[ ${PWD-} == /* && ( -z ${ENVMGR_CEILING_DIRS-} || :$ENVMGR_CEILING_DIRS: != *:"${__project:-/}":* ) ]]; do
    __file=$__project/.python-version
    if [[ -f $__file ]] && { (( EUID )) || [[ -O $__file ]] }; then
      __large=("$__file"(N-L+8192))
      if (( $#__large )); then
        __text='!'
        _envmgr_nearer+=("$__file") # an idle prompt would read it: have it come back here
      else
        __text=$(<"$__file")
        if [[ ( -z $__text && ! -r $__file ) || $__text == *$'\0'* ]]; then __text='!'; fi
      fi
      if [[ $__text != "$_envmgr_text" ]]; then
        _envmgr_parse "$__text"
        _envmgr_text=$__text _envmgr_words=$__words
      fi
      __words=$_envmgr_words
      if [[ -n $__words ]]; then
        _envmgr_file=$__file
        break
      fi
    fi
    _envmgr_nearer+=("$__file")
    if [[ -z $__project ]]; then break; fi
    __project=${__project%/*}
  done
  if [[ -z $_envmgr_file ]]; then
    __project=${_envmgr_allowed%/} __words=''
    return 1
  fi
  if [[ -n ${ENVMGR_VERSION-} ]]; then
    if [[ $ENVMGR_VERSION != "$_envmgr_variable" ]]; then
      _envmgr_parse "$ENVMGR_VERSION"
      _envmgr_variable=$ENVMGR_VERSION _envmgr_pinned=$__words
    fi
    __words=${_envmgr_pinned:-$_envmgr_words}
  fi
}

# TEXT: set __words to the words of a version file, joined by one blank.
_envmgr_parse() {
  builtin local __line __word __rest
  __rest=${1#$'\xef\xbb\xbf'}$'\n' __words=''
  while [[ -n $__rest ]] && (( $#__words <= 200 )); do
    __line=${__rest%%$'\n'*} __rest=${__rest#*$'\n'}
    __line=${__line%%'#'*}
    __line=${__line//[$'\t\r']/ }
    for __word in ${(s: :)__line}; do __words=${__words:+$__words }$__word; done
  done
}

# [quietly]: set __env to the environment on record for __project and __words, if it works; else print a note, once
# per visit.
_envmgr_lookup() {
  if [[ $_envmgr_visit != "$__project/$__words" ]]; then
    _envmgr_visit=$__project/$__words _envmgr_project=$__project _envmgr_notified=''
    if [[ $_envmgr_off != "$__project/" ]]; then _envmgr_off=''; fi
  fi
  if [[ -n $_envmgr_off ]]; then return; fi
  if [[ -n $_envmgr_allowed ]] && _envmgr_granted; then
    if [[ -n $__words && $__words != system && -z $_envmgr_notified && -z ${1-} ]]; then _envmgr_compare; fi
    return
  fi
  if [[ -z $__words || $__words == system ]]; then return; fi
  if _envmgr_find; then
    if [[ -n ${1-} || $_envmgr_notified == git ]] || ! _envmgr_unignored; then return; fi
    _envmgr_notified=git
  elif [[ -n $_envmgr_notified || -n ${1-} ]]; then
    return
  else
    _envmgr_notified=1
  fi
  if [[ -x $_envmgr_home/shell/envmgr ]]; then
    "$_envmgr_home/shell/envmgr" _enter "$_envmgr_home" "${__project:-/}" </dev/null >&3 2>&3 3>&-
    _envmgr_find_grant # the call has seen that this is no link any more, if it was one
    if [[ -z $_envmgr_allowed ]] || ! _envmgr_granted; then _envmgr_find; fi
  fi
}

# Whether git's exclude file is newer than envmgr's last look at it: git may see .venv, as after `envmgr use; git init`.
_envmgr_unignored() {
  [[ "$_envmgr_project/.git/info/exclude" -nt "${_envmgr_record%/*}/.exclude" ]]
}

# Set __env from the record; fail when there is none, or its environment does not work.
_envmgr_find() {
  if [[ $__words == *[^A-Za-z0-9._+\<\>=!~,*@\ -]* || $__words == *..* ]] || (( $#__words > 200 )); then return 1; fi
  builtin local __records
  _envmgr_current "$__project"
  _envmgr_record=$__records/$__words
  if [[ ! -f $_envmgr_record || -L $__records ]]; then return 1; fi
  IFS='' builtin read -r __env <"$_envmgr_record"
  if [[ $__env == envs/?* && $__env != *..* && -x $_envmgr_home/$__env/bin/python ]]; then
    __env=$_envmgr_home/$__env
  else
    __env=''
    return 1
  fi
}

# DIRECTORY: set __records to the folder of its records, which are kept by physical path, and _envmgr_real to that path if it
# differs. Fail where the path was a link once, and no call has seen since that it is none.
_envmgr_current() {
  _envmgr_real=${${1:-/}:A}
  __records=$_envmgr_home/projects${_envmgr_real%/}/.envmgr
  if [[ $_envmgr_real == "${1:-/}" ]]; then _envmgr_real=''; fi
  [[ ! -L $__records ]]
}

# Whether what _envmgr_find_grant found still holds: `allow` and `deny` may have been called in another terminal.
_envmgr_grant_is_current() {
  builtin local __records
  if [[ -z $_envmgr_allowed ]]; then
    [[ ! -f $_envmgr_grant ]]
  else
    _envmgr_current "${_envmgr_allowed%/}" && [[ -f $_envmgr_grant && $_envmgr_grant == "$__records/.allowed" ]]
  fi
}

# Look around in a directory that is new: set _envmgr_allowed to the nearest one, no further than the project, that
# `envmgr allow` was run in. A .venv that was not allowed is mentioned once per visit; in a project `_enter` does that.
_envmgr_find_grant() {
  builtin local __place=${PWD-} __external='' __records __grant
  __place=${__place%/}
  _envmgr_pwd=${PWD-} _envmgr_allowed='' _envmgr_grant=''
  while [[ ${PWD-} == /* && ( -z ${ENVMGR_CEILING_DIRS-} || :$ENVMGR_CEILING_DIRS: != *:"${__place:-/}":* ) ]]; do
    if _envmgr_current "$__place"; then
      __grant=$__records/.allowed
      if [[ -f $__grant ]]; then
        _envmgr_grant=$__grant
        if _envmgr_more 2>&3; then _envmgr_allowed=$__place/; else _envmgr_grant=''; fi
        break
      elif [[ -z $_envmgr_grant || ( -z $__external && ( -f $__place/.python-version || -f $__place/.venv/pyvenv.cfg ) ) ]]; then
        _envmgr_grant=$__grant # it may be written in another terminal
      fi
    fi
    if [[ -f $__place/.python-version || -z $__place ]]; then break; fi
    if [[ -z $__external && -f $__place/.venv/pyvenv.cfg ]]; then __external=$__place/; fi
    __place=${__place%/*}
  done
  if [[ -n $__external && $__external != "$_envmgr_external" && ! "$__external.venv/../.." -ef "$_envmgr_home/envs" ]]; then
    builtin printf '%s\n' "envmgr: there is a .venv here that is not envmgr's; \`envmgr allow\` has it activated" >&3
  fi
  _envmgr_external=$__external
  if [[ $_envmgr_stale != "$_envmgr_allowed" ]]; then _envmgr_stale=''; fi
}

# DIRECTORY: make this environment the active one. Assigning PATH makes zsh forget where it found programs.
_envmgr_enter() {
  _envmgr_clean
  _envmgr_env=$1 _envmgr_duplicate=''
  if [[ :${PATH-}: == *:"$1/bin":* ]]; then _envmgr_duplicate=1; fi
  builtin typeset -gx _ENVMGR_ENV=$1 # tells a shell started in this one that VIRTUAL_ENV is ours
  builtin typeset -gx PATH=$1/bin${PATH:+:$PATH} VIRTUAL_ENV=$1 VIRTUAL_ENV_PROMPT=${${1:h:t}//[^A-Za-z0-9._+-]/-}
  if [[ $1 == "$_envmgr_home"/envs/* ]]; then VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT%-*}; fi
  if [[ -n ${PYTHONHOME+x} && ${(t)PYTHONHOME} == *export* ]]; then
    builtin typeset -gx _ENVMGR_PYTHONHOME=$PYTHONHOME
    builtin unset PYTHONHOME
  fi
  if ! builtin functions deactivate >/dev/null; then
    deactivate() { if [[ ${1-} != nondestructive ]]; then envmgr deactivate; fi }
    builtin typeset -g _envmgr_deactivate=1
  fi
}

# Undo what _envmgr_enter did, by value; anything that the user changed meanwhile stays.
_envmgr_leave() {
  if [[ -z $_envmgr_env ]]; then return; fi
  _envmgr_strip "$_envmgr_env/bin"
  while [[ -z $_envmgr_duplicate && :${PATH-}: == *:"$_envmgr_env/bin":* ]]; do _envmgr_strip "$_envmgr_env/bin"; done # direnv's
  if [[ :${PATH-}: != *:"$_envmgr_env/bin":* && :$_envmgr_removed != *:"$_envmgr_env":* ]]; then
    _envmgr_removed+=$_envmgr_env:
  fi
  _envmgr_env=''
  builtin unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT _ENVMGR_ENV
  if [[ -n ${_ENVMGR_PYTHONHOME+x} && -z ${PYTHONHOME+x} ]]; then
    builtin typeset -gx PYTHONHOME=$_ENVMGR_PYTHONHOME
  fi
  if [[ -n ${_envmgr_deactivate-} ]]; then builtin unset -f deactivate; fi
  builtin unset _ENVMGR_PYTHONHOME _envmgr_deactivate
}

# Take from PATH what direnv and other tools that restore old values have brought back.
_envmgr_clean() {
  builtin local __rest=$_envmgr_removed __one
  while [[ -n $__rest ]]; do
    __one=${__rest%%:*} __rest=${__rest#*:}
    while [[ $__one != "$_envmgr_env" && :${PATH-}: == *:"$__one/bin":* ]]; do _envmgr_strip "$__one/bin"; done
  done
  while [[ -n $_envmgr_env && -z $_envmgr_duplicate && -n ${PATH-} && :${PATH//:/::}: == *:"$_envmgr_env/bin":*:"$_envmgr_env/bin":* ]]; do
    _envmgr_strip "$_envmgr_env/bin" last
  done
}

# DIRECTORY [last]: take the first, or last, occurrence of it from PATH.
_envmgr_strip() {
  builtin local __path=:${PATH-}:
  if [[ $__path != *:"$1":* ]]; then return; fi
  if [[ -n ${2-} ]]; then
    __path=${__path%:"$1":*}:${__path##*:"$1":}
  else
    __path=${__path%%:"$1":*}:${__path#*:"$1":}
  fi
  __path=${__path#:}
  PATH=${__path%:}
}

# Read what is seldom needed; that reads this file again first, if it is newer than this shell. Fail if it is not there.
_envmgr_more() {
  builtin setopt localoptions noaliases
  if [[ -n $_envmgr_more_loaded ]]; then return; fi
  builtin . "$_envmgr_home/shell/hook-more.zsh" 2>/dev/null
  if [[ -n $_envmgr_more_loaded ]]; then return; fi
  builtin printf '%s\n' "envmgr: this shell's hook is not the installed one: run \`envmgr setup\`, or open a new shell" >&2
  return 1
}

# The verbs that only this shell can do, and the program.
envmgr() {
  builtin emulate -LR zsh
  case $_envmgr_more_loaded:${1-} in
    (?*:*) _envmgr_verb "$@" ;;
    (:unload) _envmgr_unload ;;
    (*)
      if _envmgr_more 2>/dev/null; then
        envmgr "$@" # maybe a newer one by now
      elif [[ ${1-} == (activate|deactivate|shell) ]]; then
        _envmgr_more
      else
        _envmgr_call "$@"
      fi
      ;;
  esac
}

# Run the program: the one that the user has on PATH, or the one that made the store.
_envmgr_call() {
  builtin local -x ENVMGR_HOME=${ENVMGR_HOME:-$_envmgr_home}
  if [[ ${1-} == doctor ]]; then builtin local -x _ENVMGR_SHELL="zsh $$"; fi
  if builtin whence -p envmgr >/dev/null; then
    builtin command envmgr "$@"
  elif [[ -x $_envmgr_home/shell/envmgr ]]; then
    "$_envmgr_home/shell/envmgr" "$@"
  else
    builtin printf '%s\n' "envmgr: error: the store of this shell is missing: open a new shell, or \`envmgr unload\`" >&2
    return 127
  fi
}

# Undo what sourcing did.
_envmgr_unload() {
  _envmgr_leave
  if [[ -n $_envmgr_loaded ]] && _envmgr_more; then _envmgr_drop; fi
  _envmgr_strip "$_envmgr_home/shims"
  precmd_functions=(${precmd_functions:#_envmgr_prompt})
  chpwd_functions=(${chpwd_functions:#_envmgr_cd})
  fpath=(${fpath:#$_envmgr_home/shell})
  if (( $+functions[compdef] )); then compdef -d envmgr; fi
  builtin unset -m '_envmgr_*'
  builtin unset -f -m '_envmgr_*'
  builtin unset -f _envmgr envmgr
}

# FILE: find the store from the path of this file, and start with empty state.
_envmgr_start() {
  builtin emulate -LR zsh
  builtin local __file=$1
  if [[ $__file != /*/shell/hook.zsh ]]; then __file=${__file:a}; fi
  if [[ $__file != */shell/hook.zsh ]]; then __file=${__file:A}; fi
  builtin typeset -g _envmgr_home=${__file%/shell/*}
  # the version of envmgr, the same in hook-more.zsh; whether that was read, and was read just now
  builtin typeset -g _envmgr_edition=0.1.0 _envmgr_more_loaded='' _envmgr_again='' _envmgr_seen=''
  if [[ -n $_envmgr_kept ]]; then return; fi
  builtin typeset -g _envmgr_env='' _envmgr_removed='' _envmgr_duplicate='' # put on PATH; taken from it, each followed by a colon
  builtin typeset -g _envmgr_text='' _envmgr_words='' _envmgr_variable='' _envmgr_pinned='' # looked at last
  builtin typeset -g _envmgr_project='' _envmgr_visit='' _envmgr_notified='' # project and words of this visit
  builtin typeset -g _envmgr_off='' _envmgr_before='' # where it is not wanted; the variable before `envmgr shell`
  builtin typeset -g _envmgr_pwd='' _envmgr_allowed='' _envmgr_external='' _envmgr_stale='' # surveyed last
  builtin typeset -g _envmgr_grant='' # what `envmgr allow` wrote there, or would write
  builtin typeset -g _envmgr_loaded=${_ENVMGR_NAMES:+${_ENVMGR_PLACE:-?}} # where the variables are from that are set
  builtin typeset -g _envmgr_values='' _envmgr_refused='' # names and values as they were then; whether a source had changed
  builtin typeset -g _envmgr_file='' _envmgr_record='' # what an idle prompt compares
  builtin typeset -g _envmgr_real='' # the physical path of a project that was entered through a link
  builtin typeset -ga _envmgr_nearer
  builtin typeset -gA _envmgr_own
}

# Come first among the hooks: those that draw the prompt should see the result. The shims come first on PATH; an environment
# goes before them when entered.
_envmgr_register() {
  builtin emulate -LR zsh
  builtin local __path
  builtin typeset -ga precmd_functions chpwd_functions
  precmd_functions=(_envmgr_prompt ${precmd_functions:#_envmgr_prompt})
  chpwd_functions=(_envmgr_cd ${chpwd_functions:#_envmgr_cd})
  if [[ :${PATH-}: != :"$_envmgr_home/shims":* ]]; then
    _envmgr_strip "$_envmgr_home/shims"
    if [[ ${VIRTUAL_ENV:-${_ENVMGR_ENV-}} != "${_ENVMGR_ENV-}" && $VIRTUAL_ENV != "$_envmgr_home"/envs/* &&
      :${PATH-}: == *:"$VIRTUAL_ENV/bin":* ]]; then
      __path=:$PATH: # the user activated an environment in the shell that started this one
      __path=${__path%%:"$VIRTUAL_ENV/bin":*}:$VIRTUAL_ENV/bin:$_envmgr_home/shims:${__path#*:"$VIRTUAL_ENV/bin":}
      builtin typeset -gx PATH=${${__path#:}%:}
    else
      builtin typeset -gx PATH=$_envmgr_home/shims${PATH:+:$PATH}
    fi
  fi
  fpath=(${fpath:#$_envmgr_home/shell} $_envmgr_home/shell) # a later compinit finds _envmgr; an earlier one is updated
}
_envmgr_start "$_envmgr_source"
if [[ -z ${_envmgr_reading-} ]]; then _envmgr_register; fi
builtin unset _envmgr_kept
