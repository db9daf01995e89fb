# A line that takes its time: two TAP devices, each frame of one comes out of the other after a while. Prints a line once they
# are there; they may be moved to other network namespaces then. Ends when nobody holds its input any more.
#
#   delay.py <ms> <device> <device>

import collections, fcntl, os, select, struct, sys, time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000


def tap(name):
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


delay = float(sys.argv[1]) / 1000
ends = [tap(name) for name in sys.argv[2:4]]
waiting = collections.deque()
print('ready', flush=True)
while True:
    left = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for fd in select.select([0, *ends], [], [], left)[0]:
        if fd == 0:
            if not os.read(0, 4096):
                sys.exit(0)
            continue
        try:
            frame = os.read(fd, 65536)
        except OSError:  # the device is down
            continue
        waiting.append((time.monotonic() + delay, ends[1 - ends.index(fd)], frame))
    while waiting and waiting[0][0] <= time.monotonic():
        _, fd, frame = waiting.popleft()
        try:
            os.write(fd, frame)
        except OSError:
            pass
