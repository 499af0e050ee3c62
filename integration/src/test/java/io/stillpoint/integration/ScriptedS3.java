package io.stillpoint.integration;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.stillpoint.stores.s3.S3Address;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;

/// A fake of an S3 server, as small as can be, that fails as it is told to before it does what it is asked.
final class ScriptedS3 implements AutoCloseable {
    private final ConcurrentSkipListMap<String, Instant> unfinished = new ConcurrentSkipListMap<>();
    private static final String TOKEN = "x-amz-meta-stillpoint-upload";

    private final HttpServer server;
    private final Map<String, Stored> objects = new ConcurrentHashMap<>();
    private final Deque<Fault> faults = new ArrayDeque<>();
    private final List<String> requests = new ArrayList<>();
    private final List<Long> times = new ArrayList<>();

    private record Stored(byte[] content, String token) {}

    /// What goes wrong with one request.
    enum Fault {
        SLOW_DOWN,
        INTERNAL_ERROR,
        RESET_BEFORE_ANSWER,
        RESET_WITHIN_ANSWER,
        /// Does what it was asked, then loses the answer.
        RESET_AFTER_EFFECT,
        RESET_WITHIN_REQUEST,
        /// The right status and the whole length announced, but less sent.
        TRUNCATED,
        /// The right status, and less both announced and sent.
        SHORT,
        NO_CONDITIONS
    }

    ScriptedS3() {
        try {
            server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/bucket", this::serve);
        server.start();
    }

    S3Address address() {
        return new S3Address(
                "bucket",
                "",
                URI.create("http://127.0.0.1:" + server.getAddress().getPort()),
                null,
                true);
    }

    /// The next requests for objects fail so, one after the other.
    synchronized void fail(Fault... next) {
        faults.addAll(List.of(next));
    }

    /// The methods of all requests for objects so far.
    synchronized List<String> requests() {
        return List.copyOf(requests);
    }

    /// Nanoseconds between a request and the one after it.
    synchronized long gap(int after) {
        return times.get(after + 1) - times.get(after);
    }

    private synchronized Fault next(String method) {
        requests.add(method);
        times.add(System.nanoTime());
        return faults.poll();
    }

    private void serve(HttpExchange exchange) throws IOException {
        String query = Objects.requireNonNullElse(exchange.getRequestURI().getQuery(), "");
        if (query.contains("uploads") && !unfinished.isEmpty()) {
            listUnfinished(exchange, query);
            return;
        }
        if (query.contains("uploadId=") && exchange.getRequestMethod().equals("DELETE")) {
            unfinished.remove(query.replaceFirst(".*uploadId=([^&]*).*", "$1"));
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
            return;
        }
        if (query.contains("uploads") || query.contains("versioning")) {
            answer(exchange, 200, "<ListMultipartUploadsResult/>".getBytes(StandardCharsets.UTF_8));
            return;
        }
        Fault fault = next(exchange.getRequestMethod());
        switch (fault) {
            case SLOW_DOWN -> {
                exchange.getResponseHeaders().set("Retry-After", "1");
                error(exchange, 503, "SlowDown");
            }
            case INTERNAL_ERROR -> error(exchange, 500, "InternalError");
            case NO_CONDITIONS -> error(exchange, 501, "NotImplemented");
            case RESET_BEFORE_ANSWER -> exchange.close();
            case RESET_WITHIN_REQUEST -> {
                exchange.getRequestBody().readNBytes(1000);
                exchange.close();
            }
            case null, default -> perform(exchange, fault);
        }
    }

    /// Uploads that nobody has finished: id and when it was begun. Told by pages of two.
    void leaveUnfinished(String id, Instant begun) {
        unfinished.put(id, begun);
    }

    Set<String> unfinished() {
        return unfinished.keySet();
    }

    private void listUnfinished(HttpExchange exchange, String query) throws IOException {
        String after =
                query.contains("upload-id-marker=")
                        ? query.replaceFirst(".*upload-id-marker=([^&]*).*", "$1")
                        : "";
        List<String> rest = List.copyOf(unfinished.tailMap(after, false).keySet());
        StringBuilder xml = new StringBuilder("<ListMultipartUploadsResult>");
        for (String id : rest.subList(0, Math.min(2, rest.size()))) {
            xml.append("<Upload><Key>packs/x</Key><UploadId>")
                    .append(id)
                    .append("</UploadId><Initiated>")
                    .append(unfinished.get(id))
                    .append("</Initiated></Upload>");
        }
        if (rest.size() > 2) {
            xml.append("<IsTruncated>true</IsTruncated><NextKeyMarker>packs/x</NextKeyMarker>")
                    .append("<NextUploadIdMarker>")
                    .append(rest.get(1))
                    .append("</NextUploadIdMarker>");
        }
        xml.append("</ListMultipartUploadsResult>");
        answer(exchange, 200, xml.toString().getBytes(StandardCharsets.UTF_8));
    }

    private void perform(HttpExchange exchange, Fault fault) throws IOException {
        String key = exchange.getRequestURI().getPath();
        switch (exchange.getRequestMethod()) {
            case "PUT" -> put(exchange, key, fault);
            case "HEAD" -> head(exchange, key);
            default -> get(exchange, key, fault);
        }
    }

    private void put(HttpExchange exchange, String key, Fault fault) throws IOException {
        byte[] content = exchange.getRequestBody().readAllBytes();
        String token = exchange.getRequestHeaders().getFirst(TOKEN);
        boolean isTaken = objects.putIfAbsent(key, new Stored(content, token)) != null;
        if (fault == Fault.RESET_AFTER_EFFECT) {
            exchange.close();
        } else if (isTaken) {
            error(exchange, 412, "PreconditionFailed");
        } else {
            exchange.getResponseHeaders().set("ETag", "\"e\"");
            answer(exchange, 200, new byte[0]);
        }
    }

    private void head(HttpExchange exchange, String key) throws IOException {
        Stored stored = objects.get(key);
        if (stored == null) {
            exchange.sendResponseHeaders(404, -1);
        } else {
            exchange.getResponseHeaders().set(TOKEN, stored.token);
            exchange.getResponseHeaders()
                    .set("Content-Length", Integer.toString(stored.content.length));
            exchange.sendResponseHeaders(200, -1);
        }
        exchange.close();
    }

    private void get(HttpExchange exchange, String key, Fault fault) throws IOException {
        Stored stored = objects.get(key);
        if (stored == null) {
            error(exchange, 404, "NoSuchKey");
            return;
        }
        String[] range =
                exchange.getRequestHeaders()
                        .getFirst("Range")
                        .substring("bytes=".length())
                        .split("-");
        int from = Integer.parseInt(range[0]);
        int to = Math.min(Integer.parseInt(range[1]) + 1, stored.content.length);
        int length = to - from;
        exchange.getResponseHeaders()
                .set(
                        "Content-Range",
                        "bytes " + from + "-" + (to - 1) + "/" + stored.content.length);
        int sent = fault == null ? length : length / 2;
        exchange.sendResponseHeaders(206, fault == Fault.SHORT ? sent : length);
        exchange.getResponseBody().write(stored.content, from, sent);
        exchange.getResponseBody().flush();
        exchange.close();
    }

    private static void error(HttpExchange exchange, int status, String code) throws IOException {
        String text = "<Error><Code>" + code + "</Code><Message>as scripted</Message></Error>";
        answer(exchange, status, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.getRequestBody().readAllBytes();
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
