# envmgr for xonsh 0.9 and later. `envmgr setup` puts into rc.xsh what runs this file, with `_envmgr_hook`, its path.
#
# hook.bash has the reasons. Nothing here starts a program, but the one call of `envmgr _enter` for a project
# that has no record. Nothing of a project is ever evaluated.


def _envmgr_load(hook):
    import os
    import re
    import stat
    import subprocess

    from xonsh.tools import unthreadable

    home = hook[: -len("/shell/hook.xsh")]
    program = home + "/shell/envmgr"
    variables = __xonsh__.env
    # the active environment, the one removed from PATH last, the pin; whether the user was notified, where it is off
    # "deactivate": whether the alias is ours
    now = {"active": "", "removed": "", "project": "", "words": "", "visit": "", "notified": False, "off": "", "before": ""}

    def words(text):
        """The words of a version file, joined by one blank."""
        return " ".join(re.findall(r"[^ \t\r\n]+", re.sub(r"#[^\n]*", "", re.sub("^\ufeff", "", text))))

    def read(file):
        """The words of a version file, "!" for what shells do not read. Root leaves the files of others alone."""
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode) or (os.geteuid() == 0 and status.st_uid != 0):
            return ""
        with open(file, "rb") as opened:
            text = opened.read(8193)
        return words(text.decode()) if len(text) <= 8192 else "!"

    def walk():
        """Set project and words from the nearest version file that holds a word; whether there is one."""
        now["project"], now["words"] = variables.get("PWD", "/").rstrip("/"), ""
        # to xonsh, what ends in DIRS is a list
        ceilings = variables.detype()["ENVMGR_CEILING_DIRS"].split(":") if "ENVMGR_CEILING_DIRS" in variables else ()
        while True:
            if (now["project"] or "/") in ceilings:
                return False
            try:
                now["words"] = read(now["project"] + "/.python-version")
            except (FileNotFoundError, NotADirectoryError):
                now["words"] = ""
            except (OSError, ValueError):
                now["words"] = "!"
            if now["words"]:
                break
            if not now["project"]:
                return False
            now["project"] = now["project"].rpartition("/")[0]
        now["words"] = words(str(variables.get("ENVMGR_VERSION", ""))) or now["words"]
        return True

    def recorded():
        """The environment on record, "" if there is none that works."""
        if not re.fullmatch(r"[A-Za-z0-9._+<>=!~,*@ -]{1,200}", now["words"]) or ".." in now["words"]:
            return ""
        try:
            real = os.path.realpath(now["project"]) if now["project"] else ""  # of what a link leads to now
            with open(f"{home}/projects{real}/.envmgr/{now['words']}", encoding="utf-8") as opened:
                line = opened.readline(4096).rstrip("\n")
        except (OSError, ValueError):
            return ""
        works = re.match("envs/.", line) and ".." not in line and os.access(f"{home}/{line}/bin/python", os.X_OK)
        return f"{home}/{line}" if works else ""

    def wanted():
        """The environment of the directory, "" for none; for a project without one, print one note per visit."""
        if variables.get("ENVMGR_HOOK", "") == "off" or not walk():
            now["visit"] = now["off"] = ""
            return ""
        if now["visit"] != now["project"] + "/" + now["words"]:
            now["visit"], now["notified"] = now["project"] + "/" + now["words"], False
            if now["off"] != now["project"] + "/":
                now["off"] = ""
        if now["off"] or now["words"] == "system":
            return ""
        found = recorded()
        if not found and not now["notified"]:
            now["notified"] = True
            call("_enter", home, now["project"] or "/", stdin=subprocess.DEVNULL)
            found = recorded()
        return found

    def call(*arguments, **options):
        """Run envmgr with the variables of this shell; the exit code."""
        try:
            whose = {"ENVMGR_HOME": str(variables.get("ENVMGR_HOME", "")) or home}
            environ = {**variables.detype(), **whose, **options.pop("more", {})}
            return subprocess.call([program, *arguments], env=environ, **options)
        except OSError:
            return 127

    def strip(directory, last=False):
        """Take the first, or the last, occurrence of a directory from PATH."""
        entries = list(variables["PATH"])
        if directory in entries:
            del entries[len(entries) - 1 - entries[::-1].index(directory) if last else entries.index(directory)]
            variables["PATH"] = entries

    def enter(environment):
        now["active"] = environment
        variables["PATH"] = [environment + "/bin", *variables["PATH"]]
        variables["VIRTUAL_ENV"] = environment
        variables["VIRTUAL_ENV_PROMPT"] = environment.split("/")[-2].rpartition("-")[0]
        if "PYTHONHOME" in variables:
            now["pythonhome"] = variables.pop("PYTHONHOME")
        if "deactivate" not in aliases:
            aliases["deactivate"] = now["deactivate"] = lambda arguments: envmgr(["deactivate"])

    def leave():
        """Undo what enter did, by value; anything that the user changed meanwhile stays."""
        if not now["active"]:
            return
        strip(now["active"] + "/bin")
        now["removed"] = "" if now["active"] + "/bin" in variables["PATH"] else now["active"]
        now["active"] = ""
        for name in ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"):
            if name in variables:
                del variables[name]
        if "pythonhome" in now:
            variables.setdefault("PYTHONHOME", now.pop("pythonhome"))
        if now.pop("deactivate", None):
            aliases.pop("deactivate", None)

    def update(**_):
        """Activate the environment of the directory, or none. An environment that the user activated is left alone."""
        there = variables.get("VIRTUAL_ENV", "") or ""
        if there and there != now["active"]:
            if not there.startswith(home + "/envs/"):
                if now["active"]:
                    strip(now["active"] + "/bin", last=True)
                now["active"] = ""
                return
            leave()  # inherited, or restored by a tool that saves old values
            now["active"] = there
            leave()
        new = wanted()
        if new != now["active"] or (new and (there != new or new + "/bin" not in variables["PATH"])):
            leave()
            if new:
                enter(new)
        elif not new and now["removed"]:
            strip(now["removed"] + "/bin")

    def choose(arguments):
        """envmgr shell [VERSION | --unset | -]."""
        last = str(variables.get("ENVMGR_VERSION", ""))
        if not arguments:
            print(last)
            return 0
        new = {"--unset": "", "-": now["before"]}.get(arguments[0], arguments[0])
        if new == arguments[0] and call("find", new, stdout=subprocess.DEVNULL):
            return 1
        variables.pop("ENVMGR_VERSION", None)
        if new:
            variables["ENVMGR_VERSION"] = " ".join(arguments) if new == arguments[0] else new
        now["before"] = last
        return 0

    @unthreadable
    def envmgr(arguments, stdin=None, stdout=None, stderr=None):
        """The verbs that only this shell can do; everything else is the program's."""
        verb = arguments[0] if arguments else ""
        if verb == "activate":
            now["off"] = ""
        elif verb == "deactivate":
            now["off"] = now["project"] + "/"
        elif verb == "shell":
            if choose(arguments[1:]):
                return 1
        elif verb == "unload":
            unload()
            return 0
        else:
            more = {"_ENVMGR_SHELL": f"xonsh {os.getpid()}"} if verb == "doctor" else {}
            return call(*arguments, more=more, stdin=stdin, stdout=stdout, stderr=stderr)
        update()
        return 0

    def unload():
        """Undo what this file did."""
        leave()
        strip(home + "/shims")
        aliases.pop("envmgr", None)
        events.on_pre_prompt.discard(update)
        events.on_chdir.discard(update)

    if not __xonsh__.env.get("XONSH_INTERACTIVE"):
        return lambda: None
    aliases["envmgr"] = envmgr
    events.on_pre_prompt(update)
    events.on_chdir(update)
    strip(home + "/shims")
    variables["PATH"] = [home + "/shims", *variables["PATH"]]
    return unload


if "_envmgr_unload" in globals():  # this file was read before
    _envmgr_unload()
_envmgr_unload = _envmgr_load(_envmgr_hook)
del _envmgr_load
