import com.sun.net.httpserver.{HttpExchange, HttpServer}
import java.net.InetSocketAddress
import java.util.concurrent.Executors

/** Answers on PORT (8080) until TERM, then lets running requests finish. */
@main def service(): Unit =
  val port = sys.env.getOrElse("PORT", "8080").toInt
  val server = HttpServer.create(InetSocketAddress(port), 1024)
  server.setExecutor(Executors.newVirtualThreadPerTaskExecutor())
  server.createContext("/", answer(_, "It works.\n"))
  server.createContext("/healthz", answer(_, "ok\n"))
  server.createContext("/slow", exchange => { Thread.sleep(3000); answer(exchange, "slow\n") })
  Runtime.getRuntime.addShutdownHook(Thread(() => server.stop(10)))
  server.start()
  println(s"listening on port $port")

private def answer(exchange: HttpExchange, text: String): Unit =
  val body = text.getBytes("UTF-8")
  exchange.sendResponseHeaders(200, body.length)
  exchange.getResponseBody.write(body)
  exchange.close()
