"""Classify environment variables by name: those that steer programs, and those that belong to the shell itself.

The lists cannot know every program, so `envmgr allow` prints all names and values, and says which ones are not listed.
"""

from __future__ import annotations

from collections.abc import Iterable

# fmt: off
_SHELL_OWN = frozenset({  # some shell evaluates the value that is assigned, or does more than set it
    "BASHPID", "COLUMNS", "DIRSTACK", "EGID", "EPOCHREALTIME", "EPOCHSECONDS", "ERRNO", "EUID", "FUNCNAME", "GID",
    "GROUPS", "HISTCMD", "HISTFILE", "HISTFILESIZE", "HISTSIZE", "KEYTIMEOUT", "LINENO", "LINES", "MAILCHECK",
    "OPTERR", "OPTIND", "PIPESTATUS", "PPID", "RANDOM", "SAVEHIST", "SECONDS", "SHLVL", "SRANDOM", "TMOUT",
    "TRY_BLOCK_ERROR", "TTYIDLE", "UID", "argv", "cdpath", "fignore", "fpath", "history", "mailpath", "manpath",
    "module_path", "options", "path", "pipestatus", "psvar", "signals", "status", "umask", "version", "watch",
})
_STEERING = frozenset({
    # shells, terminals, users
    "CDPATH", "ENV", "FIGNORE", "FPATH", "GLOBIGNORE", "HISTCHARS", "HOME", "IFS", "INPUTRC", "LOGNAME", "MAIL",
    "MAILPATH", "MODULE_PATH", "NULLCMD", "OLDPWD", "PATH", "PROMPT", "PS0", "PS1", "PS2", "PS3",
    "PS4", "PWD", "READNULLCMD", "RPROMPT", "RPS1", "SHELL", "SHELLOPTS", "TERM", "TERMCAP", "TERMINFO",
    "TERMINFO_DIRS", "USER", "ZDOTDIR",
    # the C library: ld.so(8), and the variables that glibc removes for set-user-id programs
    "GCONV_PATH", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF",
    "RES_OPTIONS", "TEMP", "TMP", "TMPDIR", "TZDIR",
    # programs that others start
    "BROWSER", "EDITOR", "FCEDIT", "PAGER", "VISUAL", "EXINIT", "VIMINIT", "VIM", "VIMRUNTIME", "MYVIMRC",
    "EMACSLOADPATH", "GVIMINIT", "SCREENRC",
    # options of archive programs (`tar --checkpoint-action=exec`, `zip -TT`)
    "TAR_OPTIONS", "ZIPOPT",
    # compilers, builds
    "AR", "AS", "CC", "CPATH", "CPP", "CXX", "FC", "LD", "LDSHARED", "MAKE", "NM", "RANLIB",
    "ACLOCAL_PATH", "GUIX_PACKAGE_PATH", "NIX_PATH", "TEXINPUTS",
    # interpreters other than Python
    "CLASSPATH", "GHCRTS", "GOBIN", "GOENV", "GOEXPERIMENT", "GOINSECURE", "GONOPROXY", "GONOSUMCHECK",
    "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOROOT", "GOSUMDB", "GOTOOLCHAIN", "JAVA_HOME", "PHPRC",
    "PHP_INI_SCAN_DIR", "TCLLIBPATH",
    # trust and configuration of clients
    "CURL_CA_BUNDLE", "CURL_HOME", "GNUPGHOME", "KRB5_CONFIG", "KUBECONFIG", "NETRC", "REQUESTS_CA_BUNDLE",
    "SSLKEYLOGFILE", "SSL_CERT_DIR", "SSL_CERT_FILE", "WGETRC", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CA_BUNDLE", "CLOUDSDK_CONFIG", "MYSQL_HOME", "PGSERVICEFILE", "PGSYSCONFDIR", "PSQLRC",
    # an address of D-Bus may name a program (`unixexec:`)
    "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
    # desktop libraries that load modules
    "GIO_EXTRA_MODULES", "GIO_MODULE_DIR", "GTK_MODULES", "GTK_PATH", "LIBGL_DRIVERS_PATH",
    # Python programs
    "IPYTHONDIR", "MATPLOTLIBRC", "MYPYPATH", "PYLINTRC",
})
_STEERING_PREFIXES = (
    # the loader, the C library, shells
    "LD_", "DYLD_", "GLIBC_", "MALLOC_", "BASH", "FISH_", "ZSH_", "POWERLEVEL9K_", "STARSHIP_", "XDG_", "__",
    # envmgr, and other tools that select a Python or an environment
    "ENVMGR_", "_ENVMGR", "VIRTUAL_ENV", "VIRTUALENV_", "CONDA_", "MAMBA_", "PYENV_", "MISE_", "ASDF_", "DIRENV_",
    "RTX_",
    # Python, its installers, runners and tools
    "PYTHON", "PYTEST_", "COVERAGE_", "PIP_", "PIPX_", "PIPENV_", "UV_", "POETRY_", "PDM_", "HATCH_", "TOX_",
    "NOX_", "SETUPTOOLS_", "DISTUTILS_", "TWINE_", "KEYRING_", "PRE_COMMIT_", "JUPYTER_", "MYPY_", "RUFF_",
    # pagers, version control, remote shells
    "LESS", "MAN", "GIT_", "HG", "SVN_", "SSH_", "GPG_", "SUDO_",
    # other languages and their package managers
    "NODE_", "NPM_", "YARN_", "PNPM_", "BUN_", "DENO_", "RUBY", "GEM_", "BUNDLE_", "PERL", "JAVA_TOOL_", "JDK_",
    "MAVEN_", "GRADLE_", "CARGO_", "RUSTC", "RUSTUP_", "RUSTDOC", "CGO_", "LUA_", "R_", "JULIA_", "DOTNET_",
    "CORECLR_", "COMPLUS_", "COMPOSER_", "ERL_", "MIX_", "GHC_", "OCAML",
    # builds, containers, deployment, loadable parts
    "CMAKE_", "MESON_", "CCACHE_", "DOCKER_", "BUILDKIT_", "PODMAN_", "ANSIBLE_", "TF_", "TMUX", "NVIM_",
    "OPENSSL_", "QT_", "QML", "GST_PLUGIN_", "GDK_PIXBUF_", "PKG_CONFIG", "VK_",
)
_STEERING_SUFFIXES = (
    "_PROXY", "_PRELOAD", "_WRAPPER", "_ADDOPTS", "_OPTS", "_EDITOR", "_PAGER", "_BROWSER", "_ASKPASS", "_SHELL",
    "_RSH", "_COMMAND", "_INDEX_URL", "_LIBRARY_PATH", "_PLUGIN_PATH", "_MODULE_PATH", "_CONFIG_PATH", "FLAGS",
)
# fmt: on


def steering(names: Iterable[str]) -> list[str]:
    """Return the `names`, sorted, of variables that steer loaders, shells, interpreters or installers."""
    return sorted(name for name in names if _steers(name.upper()))


def _steers(name: str) -> bool:
    return name in _STEERING or name.startswith(_STEERING_PREFIXES) or name.endswith(_STEERING_SUFFIXES)


def shell_own(names: Iterable[str]) -> list[str]:
    """Return the `names`, sorted, of variables that belong to a shell itself."""
    return sorted(_SHELL_OWN.intersection(names))
