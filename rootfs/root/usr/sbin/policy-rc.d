#!/bin/sh
# No package starts a service while it is installed: there is no service manager in a container. 101: forbidden by policy.
exit 101
