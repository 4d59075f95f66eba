"""The kernel's network behind NetworkManager's back: what a change may not alter for good.

`system.SystemKernel` is made where the agent or a command is put together, and passed to whoever needs it.

snapshot     links, addresses, routes and rules at one moment, and how two moments differ
system       the kernel that this process runs on
messages     from its messages to entries of a snapshot, and back
rtnetlink    requests and replies
links        whether a link is administratively up
"""
