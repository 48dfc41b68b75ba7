#!/bin/sh
# javac compiles, jar packs, java runs it; JAVA_HOME and PATH lead to the same JDK; Java trusts what the system trusts.
set -eu
# shellcheck source=../../../../../../build/usr/lib/image/scratch.sh
. /usr/lib/image/scratch.sh

[ "$(readlink -f "$JAVA_HOME/bin/javac")" = "$(readlink -f "$(command -v javac)")" ] || fail "JAVA_HOME is '$JAVA_HOME', and javac in PATH is another"
cat >Greeter.java <<'JAVA'
public class Greeter {
    public static void main(String[] arguments) {
        System.out.println("hello " + arguments[0]);
    }
}
JAVA
javac -Xlint:all -Werror Greeter.java
jar --create --file greeter.jar --main-class Greeter Greeter.class
answer=$(java -jar greeter.jar world)
[ "$answer" = 'hello world' ] || fail "the program says '$answer'"

java=$(keytool -list -rfc -cacerts -storepass changeit | grep -c '^-----BEGIN CERTIFICATE')
system=$(grep -c '^-----BEGIN CERTIFICATE' /etc/ssl/certs/ca-certificates.crt)
[ "$java" = "$system" ] || fail "Java trusts $java certificates, the system $system" "RUN update-ca-certificates --fresh"
