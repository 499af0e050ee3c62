package io.stillpoint.cli;

import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.SheetLines;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/// What is printed and put into a safe: a key, and all that one needs to know to use it years later.
///
/// @param slot of the key
record RecoverySheet(
        ObjectId vault, String store, ObjectId slot, String label, Instant madeAt, KeyFile key) {
    private static final String INDENT = "    ";

    private List<String> facts() {
        return List.of(
                Output.text("sheet.vault", vault),
                Output.text("sheet.store", store),
                Output.text("sheet.slot", slot),
                Output.text("sheet.label", label),
                Output.text("sheet.made", madeAt.truncatedTo(ChronoUnit.SECONDS)));
    }

    private List<String> advice() {
        return List.of(
                Output.text("sheet.warning"),
                Output.text("sheet.use"),
                Output.text("sheet.revoke", slot.toString().substring(0, 12)));
    }

    String text() {
        String indented = INDENT + String.join("\n" + INDENT, SheetLines.of(key));
        return String.join(
                        "\n\n",
                        Output.text("sheet.title"),
                        String.join("\n", facts()),
                        indented,
                        String.join("\n\n", advice()))
                + "\n";
    }

    /// One page, without anything from elsewhere.
    String html() {
        StringBuilder page = new StringBuilder();
        String title = escaped(Output.text("sheet.title"));
        page.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
                .append(title)
                .append("</title>\n<style>body{font:12pt serif;margin:2cm;max-width:17cm}")
                .append("pre{font:11pt monospace;white-space:pre-wrap}")
                .append("pre.key{font-size:16pt;line-height:1.8}</style></head><body>\n<h1>")
                .append(title)
                .append("</h1>\n<pre>")
                .append(escaped(String.join("\n", facts())))
                .append("</pre>\n<pre class=\"key\">")
                .append(escaped(String.join("\n", SheetLines.of(key))))
                .append("</pre>\n");
        advice().forEach(line -> page.append("<p>").append(escaped(line)).append("</p>\n"));
        return page.append("</body></html>\n").toString();
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
