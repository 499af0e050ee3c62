package io.stillpoint.cli;

import io.stillpoint.platform.text.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Columns of text for people: left-aligned, but for columns named as numbers. Cells are made printable.
final class Table {
    private final List<List<String>> rows = new ArrayList<>();
    private final List<Boolean> right = new ArrayList<>();

    /// @param headings a leading `>` aligns the column to the right
    Table(String... headings) {
        List<String> row = new ArrayList<>();
        for (String heading : headings) {
            right.add(heading.startsWith(">"));
            row.add(heading.startsWith(">") ? heading.substring(1) : heading);
        }
        rows.add(row);
    }

    void add(String... cells) {
        rows.add(Arrays.stream(cells).map(Printable::of).toList());
    }

    @Override
    public String toString() {
        int[] widths = new int[right.size()];
        for (List<String> row : rows) {
            for (int i = 0; i < row.size(); i++) {
                widths[i] = Math.max(widths[i], width(row.get(i)));
            }
        }
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                String padding = " ".repeat(widths[i] - width(row.get(i)));
                line.append(i == 0 ? "" : "  ");
                line.append(right.get(i) ? padding + row.get(i) : row.get(i) + padding);
            }
            text.append(text.isEmpty() ? "" : "\n").append(line.toString().stripTrailing());
        }
        return text.toString();
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
