package io.stillpoint.simulation.queue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/// The report of a month as a picture: above, how many transfers waited and ran; below, how many hours were left to the
/// closest deadline. Plain SVG, a line of points for each day.
final class QueuePicture {
    private static final int WIDTH = 960;
    private static final int LEFT = 60;
    private static final int RIGHT = 940;
    private static final int HEIGHT = 150;
    private static final int FIRST_BASE = 200;
    private static final int SECOND_BASE = 390;

    private final QueueMonth month;
    private final List<QueueReport.Row> rows;
    private final StringBuilder svg = new StringBuilder();

    private QueuePicture(QueueMonth month) {
        this.month = month;
        this.rows = month.report.rows;
    }

    /// Arguments: the number of VMs, of days, the seed, the file for the picture, the file for the report. `docs/transfer-queue.md`
    /// has the command.
    static void main(String[] arguments) throws IOException {
        QueueMonth month =
                new QueueMonth(
                        Long.parseLong(arguments[2]),
                        Integer.parseInt(arguments[0]),
                        Integer.parseInt(arguments[1]));
        month.run();
        Files.writeString(Path.of(arguments[3]), new QueuePicture(month).svg());
        Files.writeString(Path.of(arguments[4]), month.report.csv());
        System.out.println(month.summary());
    }

    private String svg() {
        line(
                String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d 440\" font-family=\"sans-serif\""
                                + " font-size=\"12\">",
                        WIDTH));
        line(
                String.format(
                        Locale.ROOT, "<rect width=\"%d\" height=\"440\" fill=\"white\"/>", WIDTH));
        line("<!-- The server is dead. -->");
        double from = x(month.weather.dead().from());
        line(
                String.format(
                        Locale.ROOT,
                        "<rect x=\"%.0f\" y=\"50\" width=\"%.0f\" height=\"340\" fill=\"#ddd\"/>",
                        from,
                        x(month.weather.dead().to()) - from));
        text(LEFT, 20, "#000", month.summary());
        int most = rows.stream().mapToInt(row -> row.waiting).max().orElse(1);
        curve("waiting", "#1f5fa8", FIRST_BASE, row -> row.waiting / (double) most);
        curve("running", "#d07000", FIRST_BASE, row -> row.running / (double) most);
        curve("least reserve", "#2a7a3a", SECOND_BASE, row -> Math.max(0, row.reserve) / 24);
        text(LEFT, 44, "#1f5fa8", "transfers that wait (at most " + most + ")");
        text(LEFT + 240, 44, "#d07000", "transfers that run");
        text(
                LEFT,
                234,
                "#2a7a3a",
                "hours between an end and its deadline, of the closest job (24 at the top)");
        text(LEFT + 500, 234, "#c00000", "red: a deadline was missed");
        line("<!-- Missed deadlines. -->");
        for (QueueReport.Row row : rows) {
            if (row.missed > 0) {
                line(
                        String.format(
                                Locale.ROOT,
                                "<circle cx=\"%.0f\" cy=\"%d\" r=\"4\" fill=\"#c00000\"/>",
                                x(row.from),
                                SECOND_BASE));
            }
        }
        axis(FIRST_BASE);
        axis(SECOND_BASE);
        for (int row = 0; row < rows.size(); row += 12 * 5) {
            Instant at = rows.get(row).from;
            text((int) x(at), 410, "#000", at.atZone(ZoneOffset.UTC).toLocalDate().toString());
        }
        line("</svg>");
        return svg.toString();
    }

    private double x(Instant at) {
        double share =
                Duration.between(QueueMonth.BEGIN, at).toHours()
                        / (double) (rows.size() * QueueReport.STRIDE.toHours());
        return LEFT + share * (RIGHT - LEFT);
    }

    private void curve(
            String name, String colour, int base, ToDoubleFunction<QueueReport.Row> share) {
        line(String.format(Locale.ROOT, "<!-- %s -->", name));
        line(String.format(Locale.ROOT, "<polyline fill=\"none\" stroke=\"%s\" points=\"", colour));
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < rows.size(); i++) {
            QueueReport.Row row = rows.get(i);
            points.append(
                    String.format(
                            Locale.ROOT,
                            "%.0f,%.0f%s",
                            x(row.from),
                            base - HEIGHT * share.applyAsDouble(row),
                            i % 12 == 11 || i == rows.size() - 1 ? "\n" : " "));
        }
        svg.append(points).append("\"/>\n");
    }

    private void axis(int base) {
        line(
                String.format(
                        Locale.ROOT,
                        "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#000\"/>",
                        LEFT,
                        base,
                        RIGHT,
                        base));
    }

    private void text(int x, int y, String colour, String words) {
        line(
                String.format(
                        Locale.ROOT,
                        "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>",
                        x,
                        y,
                        colour,
                        words));
    }

    private void line(String text) {
        svg.append(text).append('\n');
    }
}
