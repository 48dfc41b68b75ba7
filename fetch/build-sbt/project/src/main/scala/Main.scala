@main def greet(name: String): Unit = println(s"hello $name")
