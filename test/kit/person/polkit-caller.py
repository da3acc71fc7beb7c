# In place of the setuid polkit-agent-helper-1: hands the conversation to the socket-activated one, as libpolkit-agent 127
# does by itself. It says the real uid too, which the newer helper takes from the socket's options.
# Usage: as polkit-agent-helper-1 (USER; the cookie and the answers on standard input)
import os, select, socket, sys

helper = socket.socket(socket.AF_UNIX)
helper.connect("/run/polkit/agent-helper.socket")
helper.sendall(f"{os.getuid()} {sys.argv[1]}\n".encode())
sources = [0, helper]
while helper in sources:
    for source in select.select(sources, [], [])[0]:
        read = os.read(source if source == 0 else source.fileno(), 4096)
        if read == b"":
            sources.remove(source)
        elif source == 0:
            helper.sendall(read)
        else:
            os.write(1, read)
