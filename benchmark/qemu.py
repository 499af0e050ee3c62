"""What the benchmarks say to QEMU: VMs without a guest system, whose disks are written through their monitors."""
import json
import os
import socket
import subprocess
import time


class Monitor:
    """A monitor of the benchmark's own; backups have another one."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit(f"QEMU does not answer at {path}")
                time.sleep(0.1)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.execute("qmp_capabilities")

    def execute(self, name, **arguments):
        self.file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            reply = json.loads(self.file.readline())
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise SystemExit(f"{name}: {reply['error']}")

    def write(self, device, offset, length, pattern):
        """As the guest would."""
        line = f'qemu-io -d /machine/peripheral/{device}/virtio-backend "write -q -P {pattern} {offset} {length}"'
        answer = self.execute("human-monitor-command", **{"command-line": line})
        if answer.strip():
            raise SystemExit(answer)


class Vm:
    """A running one, with its monitor for backups at `qmp` in its folder. Its disks vd0, vd1, … are made of raw images, which go.

    `more` are arguments of QEMU.
    """

    def __init__(self, folder, images, *more):
        command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "32", "-nodefaults", "-no-user-config", "-display", "none",
                   "-qmp", f"unix:{folder}/qmp,server=on,wait=off", "-qmp", f"unix:{folder}/own,server=on,wait=off", *more]
        for number, image in enumerate(images):
            subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", image, f"{image}.qcow2"], check=True)
            os.unlink(image)
            command += ["-blockdev", f"driver=file,filename={image}.qcow2,node-name=file{number}",
                        "-blockdev", f"driver=qcow2,file=file{number},node-name=disk{number}",
                        "-device", f"virtio-blk-pci,id=vd{number},drive=disk{number},serial=disk{number}"]
        # It tells of each export that is taken away from it.
        with open(f"{folder}/qemu.log", "w") as log:
            self.process = subprocess.Popen(command, stderr=log)
        self.monitor = None
        try:
            self.monitor = Monitor(f"{folder}/own")
        finally:
            if self.monitor is None:
                self.stop()

    def write(self, disk, offset, length, pattern):
        self.monitor.write(f"vd{disk}", offset, length, pattern)

    def stop(self):
        self.process.terminate()
        self.process.wait()
