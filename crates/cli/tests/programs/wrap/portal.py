"""Flatpak's portal as far as tests need it: bwrap with the given directory as /usr, as Flatpak does it.

Arguments: the property `version`, the property `supports`. Says `ready` when it has its name.
"""

import fcntl
import os
import signal
import subprocess
import sys
import termios

from gi.repository import Gio, GLib

NAME = "org.freedesktop.portal.Flatpak"
INTERFACE = """<node><interface name="%s">
<method name="Spawn">
<arg type="ay" direction="in"/><arg type="aay" direction="in"/><arg type="a{uh}" direction="in"/>
<arg type="a{ss}" direction="in"/><arg type="u" direction="in"/><arg type="a{sv}" direction="in"/>
<arg type="u" direction="out"/></method>
<method name="SpawnSignal">
<arg type="u" direction="in"/><arg type="u" direction="in"/><arg type="b" direction="in"/></method>
<signal name="SpawnExited"><arg type="u"/><arg type="u"/></signal>
<property name="version" type="u" access="read"/><property name="supports" type="u" access="read"/>
</interface></node>""" % NAME
PROPERTIES = {"version": int(sys.argv[1]), "supports": int(sys.argv[2])}
OTHERS = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "app", "run", "dev", "lost+found"}


def text(array):
    return bytes(array).rstrip(b"\0")


def sandbox(usr):
    """Options of bwrap."""
    out = ["bwrap", "--dev-bind", "/dev", "/dev", "--tmpfs", "/run"]
    for name in sorted(set(os.listdir("/")) - OTHERS):
        if os.path.isdir("/" + name) and not os.path.islink("/" + name):
            out += ["--bind", "/" + name, "/" + name]
    out += ["--ro-bind", usr or "/usr", "/usr", "--ro-bind", "/usr", "/run/parent/usr"]
    for name in ["bin", "sbin", "lib", "lib32", "lib64"]:
        if os.path.isdir((usr or "/usr") + "/" + name):
            out += ["--symlink", "usr/" + name, "/" + name]
        if os.path.isdir("/usr/" + name):
            out += ["--symlink", "usr/" + name, "/run/parent/" + name]
    etc = usr + "/etc" if usr else "/etc"
    for name in os.listdir(etc):
        path = etc + "/" + name
        if os.path.islink(path):
            out += ["--symlink", os.readlink(path), "/etc/" + name]
        elif os.access(path, os.R_OK):
            out += ["--ro-bind", path, "/etc/" + name]
    return out


def spawn(connection, caller, arguments, descriptors):
    directory, words, fds, envs, flags, options = arguments.unpack()
    handles = descriptors.steal_fds()
    usr = options.get("usr-fd")
    if flags & ~(128 | 256) or (usr is not None) != bool(flags & 256):
        raise ValueError("flags %d" % flags)
    usr = os.readlink("/proc/self/fd/%d" % handles[usr]) if usr is not None else None
    environment = dict(os.environ, **envs)
    for name in options.get("unset-env", []):
        environment.pop(name, None)
    high = {number: fcntl.fcntl(handles[handle], fcntl.F_DUPFD_CLOEXEC, 200) for number, handle in fds.items()}

    def prepare():
        for number, fd in high.items():
            os.dup2(fd, number)
        for number in sorted(high):
            # The terminal of the session that was begun for the sandbox.
            if os.isatty(number):
                fcntl.ioctl(number, termios.TIOCSCTTY, 0)
                break
        for other in [signal.SIGTERM, signal.SIGINT]:
            signal.signal(other, signal.SIG_DFL)

    command = sandbox(usr) + ["--chdir", text(directory), "--"] + [text(word) for word in words]
    child = subprocess.Popen(
        command, env=environment, preexec_fn=prepare, close_fds=False, start_new_session=True
    )
    for fd in list(high.values()) + list(handles):
        os.close(fd)

    def ended(pid, status):
        # What bwrap says of a signal is what Flatpak says.
        connection.emit_signal(
            caller, "/org/freedesktop/portal/Flatpak", NAME, "SpawnExited", GLib.Variant("(uu)", (pid, status))
        )

    GLib.child_watch_add(GLib.PRIORITY_DEFAULT, child.pid, ended)
    return GLib.Variant("(u)", (child.pid,))


def send(arguments):
    pid, number, group = arguments.unpack()
    with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
        inner = [int(child) for child in children.read().split()]
    for child in inner:
        os.kill(child, number)
    return None


def called(connection, caller, path, interface, method, arguments, invocation):
    try:
        if method == "Spawn":
            descriptors = invocation.get_message().get_unix_fd_list()
            result = spawn(connection, caller, arguments, descriptors)
        else:
            result = send(arguments)
        invocation.return_value(result)
    except Exception as error:
        invocation.return_dbus_error("org.freedesktop.DBus.Error.Failed", str(error))


def read(connection, caller, path, interface, name):
    return GLib.Variant("u", PROPERTIES[name])


def ready(connection, name):
    print("ready", flush=True)


def export(connection, name):
    info = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
    connection.register_object("/org/freedesktop/portal/Flatpak", info, called, read, None)


Gio.bus_own_name(Gio.BusType.SESSION, NAME, Gio.BusNameOwnerFlags.NONE, export, ready, None)
GLib.MainLoop().run()
