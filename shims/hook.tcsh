# envmgr for tcsh 6.20 and later. `envmgr setup` puts into .tcshrc:  set _envmgr_hook=...; source $_envmgr_hook:q
#
# tcsh has neither functions nor a way to read a file: this whole file is sourced before each prompt, and a version file
# that differs from the last one in path, size or time is read by sed. hook.bash tells the rest, and why. Paths with a
# newline are not for tcsh. Nothing of a project is ever evaluated; $status is kept by tcsh itself.

if ( $?prompt ) then

if ( ! $?_envmgr_home ) then
  set _envmgr_home = $_envmgr_hook:h:h:q
  set _envmgr_active = '' _envmgr_removed = '' _envmgr_seen = '' _envmgr_text = '' _envmgr_visit = '' _envmgr_notified = ''
  set _envmgr_off = '' _envmgr_before = '' _envmgr_project = '' _envmgr_words = ''
  set _envmgr_old = "`alias precmd`"
  alias precmd 'source $_envmgr_hook:q prompt; '"$_envmgr_old:q"
  alias envmgr 'source $_envmgr_hook:q run \!*'
  # The shims come first on PATH; an environment goes before them when it is entered.
  set _envmgr_new = ( )
  foreach _envmgr_entry ( $path:q )
    if ( "$_envmgr_entry:q" != "$_envmgr_home:q/shims" ) set _envmgr_new = ( $_envmgr_new:q $_envmgr_entry:q )
  end
  set path = ( $_envmgr_home:q/shims $_envmgr_new:q )
endif

set _envmgr_glob = $?noglob
set noglob

# The verbs that only this shell can do; everything else is the program's.
set _envmgr_run = ''
if ( $#argv > 1 ) then
  set _envmgr_run = "$argv[1]:q"
  if ( "$_envmgr_run" != run ) set _envmgr_run = ''
endif
if ( "$_envmgr_run" != '' ) then
  set _envmgr_run = ''
  switch ( $argv[2]:q )
    case activate:
      set _envmgr_off = ''
      breaksw
    case deactivate:
      set _envmgr_off = $_envmgr_project:q/
      breaksw
    case shell:
      set _envmgr_last = ''
      if ( $?ENVMGR_VERSION ) then
        set _envmgr_last = $ENVMGR_VERSION:q
      endif
      if ( $#argv == 2 ) then
        echo $_envmgr_last:q
      else
        set _envmgr_new = "$argv[3-]:q"
        if ( "$_envmgr_new:q" == "-" ) then
          set _envmgr_new = $_envmgr_before:q
        else if ( "$_envmgr_new:q" == "--unset" ) then
          set _envmgr_new = ''
        else
          env ENVMGR_HOME=$_envmgr_home:q $_envmgr_home:q/shell/envmgr find $argv[3]:q > /dev/null
          if ( $status ) set _envmgr_new = $_envmgr_last:q
        endif
        set _envmgr_before = $_envmgr_last:q
        unsetenv ENVMGR_VERSION
        if ( "$_envmgr_new:q" != '' ) setenv ENVMGR_VERSION $_envmgr_new:q
      endif
      breaksw
    case unload:
      set _envmgr_run = unload
      breaksw
    default:
      set _envmgr_run = 1
      breaksw
  endsw
endif

# The nearest version file that holds a word: its directory and words. Root leaves the files of others alone.
set _envmgr_project = $cwd:q _envmgr_words = ''
if ( "$_envmgr_project:q" == "/" ) set _envmgr_project = ''
while ( "$cwd:q" =~ /* )
  if ( $?ENVMGR_CEILING_DIRS ) then
    set _envmgr_entry = $_envmgr_project:q
    if ( "$_envmgr_entry:q" == '' ) set _envmgr_entry = /
    if ( ":${ENVMGR_CEILING_DIRS:q}:" =~ *:"$_envmgr_entry:q":* ) break
  endif
  set _envmgr_file = $_envmgr_project:q/.python-version
  set _envmgr_mine = 1
  if ( -o / ) then
    if ( ! -o $_envmgr_file:q ) set _envmgr_mine = 0
  endif
  if ( -f $_envmgr_file:q && $_envmgr_mine ) then
    if ( -r $_envmgr_file:q ) then
      @ _envmgr_time = ( -M $_envmgr_file:q )
      @ _envmgr_size = ( -Z $_envmgr_file:q )
      if ( $_envmgr_size > 8192 ) then
        set _envmgr_text = '!' _envmgr_seen = ''
      else if ( "$_envmgr_seen:q" != "$_envmgr_time $_envmgr_size $_envmgr_file:q" ) then
        setenv _ENVMGR_FILE $_envmgr_file:q
        set _envmgr_text = ( `sh -c 'sed -e "1s/^\xef\xbb\xbf//" -e "s/#.*//" -- "$_ENVMGR_FILE" | tr -s "\t\r\n" " " | tr "\0" "\!"'` )
        set _envmgr_text = "$_envmgr_text:q"
        unsetenv _ENVMGR_FILE
        set _envmgr_seen = "$_envmgr_time $_envmgr_size $_envmgr_file:q"
      endif
      set _envmgr_words = "$_envmgr_text:q"
    else
      set _envmgr_words = '!'
    endif
    if ( "$_envmgr_words:q" != '' ) break
  endif
  if ( "$_envmgr_project:q" == '' ) break
  set _envmgr_project = $_envmgr_project:h:q
end
set _envmgr_found = 0
if ( "$_envmgr_words:q" != '' ) set _envmgr_found = 1
if ( $?ENVMGR_VERSION && $_envmgr_found ) then
  if ( "$ENVMGR_VERSION:q" != '' ) set _envmgr_words = $ENVMGR_VERSION:q
endif
if ( "$_envmgr_run" == unload ) set _envmgr_found = 0
if ( $?ENVMGR_HOOK ) then
  if ( "$ENVMGR_HOOK:q" == off ) set _envmgr_found = 0
endif

# What the directory asks for, from the record; for a project without one, print one note per visit.
set _envmgr_wanted = ''
if ( $_envmgr_found ) then
  if ( "$_envmgr_visit:q" != "$_envmgr_project:q/$_envmgr_words:q" ) then
    set _envmgr_visit = "$_envmgr_project:q/$_envmgr_words:q" _envmgr_notified = ''
    if ( "$_envmgr_off:q" != "$_envmgr_project:q/" ) set _envmgr_off = ''
  endif
  # a record is that of what a link leads to now
  set _envmgr_real = $_envmgr_project:q _envmgr_entry = $_envmgr_project:q
  while ( "$_envmgr_entry:q" != '' )
    if ( -l $_envmgr_entry:q ) then
      setenv _ENVMGR_FILE $_envmgr_project:q
      set _envmgr_real = ( `sh -c 'cd -P -- "$_ENVMGR_FILE" && pwd -P'` )
      set _envmgr_real = "$_envmgr_real:q"
      unsetenv _ENVMGR_FILE
      break
    endif
    set _envmgr_entry = $_envmgr_entry:h:q
  end
  set _envmgr_record = "$_envmgr_home:q/projects$_envmgr_real:q/.envmgr/$_envmgr_words:q"
  set _envmgr_tries = ( 1 2 )
  if ( "$_envmgr_off:q" != '' || "$_envmgr_words:q" == system ) set _envmgr_tries = ( )
  foreach _envmgr_try ( $_envmgr_tries )
    if ( $%_envmgr_words <= 200 && "$_envmgr_words:q" !~ *[^A-Za-z0-9._+\<\>=\!~,*@\ -]* && "$_envmgr_words:q" !~ *..* && -f $_envmgr_record:q ) then
      setenv _ENVMGR_FILE $_envmgr_record:q
      set _envmgr_line = ( `sh -c 'head -n 1 -- "$_ENVMGR_FILE"'` )
      unsetenv _ENVMGR_FILE
      if ( "$_envmgr_line:q" =~ envs/?* && "$_envmgr_line:q" !~ *..* && -x $_envmgr_home:q/$_envmgr_line:q/bin/python ) then
        set _envmgr_wanted = $_envmgr_home:q/$_envmgr_line:q
        break
      endif
    endif
    if ( "$_envmgr_notified" != '' || ! -x $_envmgr_home:q/shell/envmgr ) break
    set _envmgr_notified = 1
    if ( "$_envmgr_project:q" == '' ) then
      $_envmgr_home:q/shell/envmgr _enter $_envmgr_home:q / < /dev/null
    else
      $_envmgr_home:q/shell/envmgr _enter $_envmgr_home:q $_envmgr_project:q < /dev/null
    endif
  end
else
  set _envmgr_visit = '' _envmgr_off = ''
endif

# What is to be taken from PATH, what of ours was inherited; an environment that the user activated is theirs.
set _envmgr_there = '' _envmgr_out = '' _envmgr_theirs = 0 _envmgr_on = 0
foreach _envmgr_entry ( $path:q )
  if ( "$_envmgr_entry:q" == "$_envmgr_wanted:q/bin" ) set _envmgr_on = 1
end
if ( $?VIRTUAL_ENV ) then
  set _envmgr_there = $VIRTUAL_ENV:q
endif
if ( "$_envmgr_there:q" != '' && "$_envmgr_there:q" != "$_envmgr_active:q" ) then
  if ( "$_envmgr_there:h:h:q" == "$_envmgr_home:q/envs" ) then
    set _envmgr_active = $_envmgr_there:q _envmgr_on = 0 # inherited: entered again
  else
    set _envmgr_theirs = 1
  endif
endif
if ( $_envmgr_theirs ) then
  set _envmgr_out = $_envmgr_active:q _envmgr_removed = $_envmgr_active:q _envmgr_active = ''
else if ( "$_envmgr_wanted:q" != "$_envmgr_active:q" || "$_envmgr_there:q" != "$_envmgr_wanted:q" || ! $_envmgr_on ) then
  set _envmgr_out = $_envmgr_active:q
  if ( "$_envmgr_out:q" == '' ) set _envmgr_out = $_envmgr_removed:q
endif
if ( "$_envmgr_out:q" != '' ) then
  set _envmgr_new = ( ) _envmgr_hit = 0
  foreach _envmgr_entry ( $path:q )
    if ( ! $_envmgr_hit && "$_envmgr_entry:q" == "$_envmgr_out:q/bin" ) then
      set _envmgr_hit = 1
    else
      set _envmgr_new = ( $_envmgr_new:q $_envmgr_entry:q )
    endif
  end
  set path = ( $_envmgr_new:q )
  if ( ! $_envmgr_theirs ) then
    set _envmgr_removed = ''
    if ( ! $_envmgr_hit ) set _envmgr_removed = $_envmgr_out:q
    set _envmgr_active = ''
    unsetenv VIRTUAL_ENV
    unsetenv VIRTUAL_ENV_PROMPT
    if ( $?_envmgr_pythonhome ) then
      if ( ! $?PYTHONHOME ) then
        setenv PYTHONHOME $_envmgr_pythonhome:q
      endif
      unset _envmgr_pythonhome
    endif
    if ( $?_envmgr_deactivate ) then
      unalias deactivate
    endif
  endif
  unset _envmgr_deactivate
endif
if ( "$_envmgr_wanted:q" != "$_envmgr_active:q" && ! $_envmgr_theirs ) then
  set _envmgr_active = $_envmgr_wanted:q
  set path = ( $_envmgr_active:q/bin $path:q )
  setenv VIRTUAL_ENV $_envmgr_active:q
  set _envmgr_line = $_envmgr_active:h:t:q # of which the names are plain
  setenv VIRTUAL_ENV_PROMPT `echo $_envmgr_line | sed 's/\(.*\)-.*/\1/'`
  if ( $?PYTHONHOME ) then
    set _envmgr_pythonhome = $PYTHONHOME:q
    unsetenv PYTHONHOME
  endif
  set _envmgr_entry = "`alias deactivate`"
  if ( "$_envmgr_entry:q" == '' ) then
    set _envmgr_deactivate
    alias deactivate 'envmgr deactivate'
  endif
endif

if ( ! $_envmgr_glob ) unset noglob
if ( "$_envmgr_run" == unload ) then
  set noglob _envmgr_new = ( )
  foreach _envmgr_entry ( $path:q )
    if ( "$_envmgr_entry:q" != "$_envmgr_home:q/shims" ) set _envmgr_new = ( $_envmgr_new:q $_envmgr_entry:q )
  end
  set path = ( $_envmgr_new:q )
  unalias precmd envmgr
  if ( "$_envmgr_old:q" != '' ) alias precmd "$_envmgr_old:q"
  if ( ! $_envmgr_glob ) unset noglob
  unset _envmgr_*
else if ( $_envmgr_run != '' ) then
  set _envmgr_named = $?ENVMGR_HOME
  if ( ! $_envmgr_named ) setenv ENVMGR_HOME $_envmgr_home:q
  if ( "$argv[2]:q" == doctor ) setenv _ENVMGR_SHELL "tcsh $$"
  $_envmgr_home:q/shell/envmgr $argv[2-]:q
  unsetenv _ENVMGR_SHELL
  if ( ! $_envmgr_named ) unsetenv ENVMGR_HOME
endif

endif
