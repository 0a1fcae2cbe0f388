# envmgr for elvish 0.19 and later. `envmgr setup` puts into rc.elv:  eval &ns=(ns [&hook=...]) (slurp < ...)
# The namespace has $hook, the path of this file. hook.bash has the reasons. Nothing here starts a program, but
# the one call of `envmgr _enter` for a project that has no record. Nothing of a project is ever evaluated.

use path
use re
use str

var home = (str:trim-suffix $hook /shell/hook.elv)
var program~ = (external $home/shell/envmgr)
var active = ''  # the environment that we put on PATH
var removed = ''    # the one that was not there any more when it was to be taken away
var project = '' # the active project: its directory, the words of its pin
var pin_words = ''
var visit = ''   # project and words of this visit, and whether the user was notified about them
var notified = $false
var off = ''     # the project in which the user does not want it
var before = ''  # the variable before `envmgr shell`
var pythonhome = $nil
var on = $true   # not after `envmgr unload`: what is in the lists of elvish's hooks can't be compared to be removed

fn env {|name| if (has-env $name) { get-env $name } else { put '' } }

# The store that commands are for.
fn own { if (eq (env ENVMGR_HOME) '') { put $home } else { env ENVMGR_HOME } }

# The words of a version file, joined by one blank.
fn words {|text|
  var plain = (re:replace '#[^\n]*' '' (str:trim-prefix $text "\ufeff"))
  put [(re:find '[^ \t\r\n]+' $plain)] | each {|found| str:join ' ' [(each {|one| put $one[text] } $found)] }
}

# The directory of the project; '' stands for the root where a path follows.
fn place { if (eq $project '') { put / } else { put $project } }

# Set project and pin_words from the nearest version file that holds a word; whether there is one.
fn walk {
  set pin_words = ''
  set project = (str:trim-suffix $pwd /)
  var ceilings = [(str:split : (env ENVMGR_CEILING_DIRS))]
  while (not (has-value $ceilings (place))) {
    var file = $project/.python-version
    if (path:is-regular &follow-symlink=$true $file) {
      try {
        var text = (slurp < $file)
        set pin_words = (if (> (count $text) 8192) { put '!' } else { words $text })
      } catch { set pin_words = '!' }
      if (not-eq $pin_words '') { break }
    }
    if (eq $project '') { break }
    set project = (re:replace '/[^/]*$' '' $project)
  }
  if (not-eq $pin_words '') {
    var pinned = (words (env ENVMGR_VERSION))
    if (not-eq $pinned '') { set pin_words = $pinned }
    put $true
  } else {
    put $false
  }
}

# The environment on record, '' if there is none that works.
fn recorded {
  var real = $project # the record is that of what a link leads to now
  if (not-eq $project '') { try { set real = (path:eval-symlinks $project) } catch { nop } }
  var record = $home/projects$real/.envmgr/$pin_words
  var found = ''
  if (and (re:match '^[A-Za-z0-9._+<>=!~,*@ -]{1,200}$' $pin_words) (not (str:contains $pin_words ..)) (path:is-regular &follow-symlink=$true $record)) {
    var line = [(str:split "\n" (slurp < $record))][0]
    if (and (re:match '^envs/.' $line) (not (str:contains $line ..)) (path:is-regular &follow-symlink=$true $home/$line/bin/python)) {
      set found = $home/$line
    }
  }
  put $found
}

# The environment of the directory; '' for none.
fn wanted {
  if (or (eq (env ENVMGR_HOOK) off) (not (walk))) {
    set visit = ''
    set off = ''
    put ''
    return
  }
  if (not-eq $visit $project/$pin_words) {
    set visit = $project/$pin_words
    set notified = $false
    if (not-eq $off $project/) { set off = '' }
  }
  if (or (not-eq $off '') (eq $pin_words system)) {
    put ''
    return
  }
  var found = (recorded)
  if (and (eq $found '') (not $notified)) {
    set notified = $true
    try { program _enter $home (place) < /dev/null >&2 } catch { nop }
    set found = (recorded)
  }
  put $found
}

# Take the first, or the last, occurrence of a directory from PATH.
fn strip {|directory &last=$false|
  var entries = [(str:split : $E:PATH)]
  var at = -1
  for i [(range (count $entries))] {
    if (and (eq $entries[$i] $directory) (or $last (< $at 0))) { set at = $i }
  }
  if (>= $at 0) {
    set-env PATH (str:join : [(all $entries[..$at]) (all $entries[(+ $at 1)..])])
  }
}

fn on-path {|directory| has-value [(str:split : $E:PATH)] $directory }

fn enter {|environment|
  set active = $environment
  set-env PATH $environment/bin:$E:PATH
  set-env VIRTUAL_ENV $environment
  set-env VIRTUAL_ENV_PROMPT (re:replace '-[^-]*$' '' (path:base (path:dir $environment)))
  if (has-env PYTHONHOME) {
    set pythonhome = $E:PYTHONHOME
    unset-env PYTHONHOME
  }
}

# Undo what enter did, by value; anything that the user changed meanwhile stays.
fn leave {
  if (eq $active '') { return }
  strip $active/bin
  set removed = ''
  if (not (on-path $active/bin)) { set removed = $active }
  set active = ''
  unset-env VIRTUAL_ENV
  unset-env VIRTUAL_ENV_PROMPT
  if (and $pythonhome (not (has-env PYTHONHOME))) { set-env PYTHONHOME $pythonhome }
  set pythonhome = $nil
}

# Activate the environment of the directory, or none. An environment that the user activated is left alone.
fn update {
  if (not $on) { return }
  var there = (env VIRTUAL_ENV)
  if (and (not-eq $there '') (not-eq $there $active)) {
    if (not (str:has-prefix $there $home/envs/)) {
      if (not-eq $active '') { strip &last $active/bin }
      set active = ''
      return
    }
    leave # inherited, or restored by a tool that saves old values
    set active = $there
    leave
  }
  var new = (wanted)
  if (not-eq $new $active) {
    leave
    if (not-eq $new '') { enter $new }
  } elif (not-eq $new '') {
    if (or (not-eq $there $new) (not (on-path $new/bin))) { # PATH was reset, or the variable
      leave
      enter $new
    }
  } elif (not-eq $removed '') {
    strip $removed/bin
  }
}

# envmgr shell [VERSION | --unset | -]
fn choose {|@arguments|
  var last = (env ENVMGR_VERSION)
  var new = ''
  if (eq $arguments []) {
    echo $last
    return
  } elif (eq $arguments[0] -) {
    set new = $before
  } elif (not-eq $arguments[0] --unset) {
    (external env) ENVMGR_HOME=(own) $home/shell/envmgr find $arguments[0] > /dev/null
    set new = (str:join ' ' $arguments)
  }
  if (eq $new '') { unset-env ENVMGR_VERSION } else { set-env ENVMGR_VERSION $new }
  set before = $last
}

# Undo what reading this file did.
fn unload {
  leave
  strip $home/shims
  set on = $false
  edit:add-var envmgr~ (external envmgr)
  edit:add-var deactivate~ (external deactivate)
}

# If this file was read before, undo that. The map of completers is the only place that both can reach.
if (has-key $edit:completion:arg-completer _envmgr_unload) { $edit:completion:arg-completer[_envmgr_unload] }
set edit:completion:arg-completer[_envmgr_unload] = $unload~

# The verbs that only this shell can do; everything else is the program's.
edit:add-var envmgr~ {|@arguments|
  var verb = ''
  if (not-eq $arguments []) { set verb = $arguments[0] }
  if (eq $verb activate) {
    set off = ''
  } elif (eq $verb deactivate) {
    set off = $project/
  } elif (eq $verb shell) {
    choose (all $arguments[1..])
  } elif (eq $verb unload) {
    unload
    return
  } else {
    var marks = []
    if (eq $verb doctor) { set marks = [_ENVMGR_SHELL='elvish '$pid] }
    (external env) ENVMGR_HOME=(own) $@marks $home/shell/envmgr $@arguments
    return
  }
  update
}

edit:add-var deactivate~ {|@arguments| if (not-eq $arguments [nondestructive]) { set off = $project/; update } }

set edit:before-readline = [{ update } $@edit:before-readline]
set after-chdir = [{|_| update } $@after-chdir]
strip $home/shims
set-env PATH $home/shims:$E:PATH
