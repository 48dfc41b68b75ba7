#!/bin/sh
# A first build with sbt works without a network: a project with a definition in Scala, its package runs with java.
set -eu
# shellcheck source=../../../../../../build/usr/lib/image/scratch.sh
. /usr/lib/image/scratch.sh
# Room for classes and Java's own files; /dev/shm of a container has 64 MB by default.
mkdir -p project src/main/scala
# shellcheck source=/dev/null
. /opt/sbt/versions
echo "sbt.version=$SBT_VERSION" >project/build.properties
echo 'object Names { val project = "tried" }' >project/Names.scala
printf 'name := Names.project\nversion := "1"\nscalaVersion := "%s"\n' "$SCALA_VERSION" >build.sbt
# shellcheck disable=SC2016  # Scala's variable
echo '@main def greet(name: String): Unit = println(s"hello $name")' >src/main/scala/Main.scala

output=$(COURSIER_MODE=offline sbt -Djava.io.tmpdir="$work" -J-Xmx768m package 2>&1 </dev/null) || fail "$output"
jar=target/scala-$SCALA_VERSION/tried_3-1.jar
[ -f "$jar" ] || fail "no $jar" "$output"
library=$(find /opt/sbt/coursier -name 'scala-library-2.13*.jar' -o -name 'scala3-library_3-*.jar' | tr '\n' :)
answer=$(java -cp "$jar:$library" greet world 2>&1) || fail "$answer"
[ "$answer" = 'hello world' ] || fail "the program says '$answer'"
