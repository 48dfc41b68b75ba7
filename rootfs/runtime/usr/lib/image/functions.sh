# shellcheck shell=dash
# Shell functions for AWS and Kubernetes, for whoever is in a container at 3 am, and for run scripts and probes.
#
#   . /usr/lib/image/functions.sh
#   aws_help                            list the functions for AWS
#   k8s_help                            list the functions for Kubernetes
#   k8s_scale_sts --help                one of them
#
# For bash and dash, under `set -euo pipefail` or not, in a read-only container, as any user. A function never exits the
# shell, leaves no variable behind but those that its help names, and prints results on stdout and errors on stderr.
#
# Return codes, the wrapper's own:
#   0    done
#   1    the answer is no: not found, a conflict, refused content
#   2    wrong arguments
#   69   not to be reached, not working (HTTP 5xx, not the answer), or not there (no cluster, no instance metadata)
#   75   no answer in time, or not reached in the time given
#   77   not allowed: no credentials, bad ones (401), no permission (403)
#   127  a program that the function needs is missing

# shellcheck source=functions/common.sh
. /usr/lib/image/functions/common.sh
# shellcheck source=functions/aws.sh
. /usr/lib/image/functions/aws.sh
# shellcheck source=functions/kubernetes-api.sh
. /usr/lib/image/functions/kubernetes-api.sh
# shellcheck source=functions/kubernetes.sh
. /usr/lib/image/functions/kubernetes.sh
