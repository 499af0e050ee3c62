# Prints the results of `run` (JSON lines, one flat object each) as Markdown tables of medians.
# Ratios compare a peer with stillpoint inside one repetition; their median is shown.

function field(name,    rest) {
  if (!match($0, "\"" name "\":\"?[^,\"}]*")) return ""
  rest = substr($0, RSTART, RLENGTH)
  sub(/^"[^"]*":"?/, "", rest)
  return rest
}

function median(values, count,    i, j, swap) {
  for (i = 2; i <= count; i++)
    for (j = i; j > 1 && values[j - 1] > values[j]; j--) { swap = values[j]; values[j] = values[j - 1]; values[j - 1] = swap }
  return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}

# The median over the repetitions of one number, or "" where none was recorded.
function typical(step, tool, what,    r, values, count) {
  for (r = 1; r <= runs; r++) if ((r, step, tool, what) in number) values[++count] = number[r, step, tool, what]
  return count ? median(values, count) : ""
}

# The median over the repetitions of a peer's number over stillpoint's, or of the least of several peers'.
function ratio(step, peers, what,    r, i, n, peer, key, least, values, count) {
  n = split(peers, peer, " ")
  for (r = 1; r <= runs; r++) {
    if (!((r, step, "stillpoint", what) in number)) continue
    least = ""
    for (i = 1; i <= n; i++) {
      key = r SUBSEP step SUBSEP peer[i] SUBSEP what
      if (key in number && (least == "" || number[key] < least)) least = number[key]
    }
    if (least != "" && number[r, step, "stillpoint", what] > 0) values[++count] = least / number[r, step, "stillpoint", what]
  }
  return count ? median(values, count) : ""
}

function show(value, format) { return value == "" ? "–" : sprintf(format, value) }

function heading(title, columns,    i, line) {
  printf "\n%s\n\n| step |", title
  line = "|---|"
  for (i = 1; i <= tools; i++) { printf " %s |", label[order[i]]; line = line "---:|" }
  print columns
  gsub(/[^|]/, "", columns)
  for (i = 1; i <= length(columns); i++) line = line "---|"
  print line
}

function row(step, what, unit, format,    i, value) {
  printf "| %s |", step in title ? title[step] : step
  for (i = 1; i <= tools; i++) {
    value = typical(step, order[i], what)
    printf " %s%s |", stopped[step, order[i]] ? "> " : "", show(value == "" ? "" : value / unit, format)
  }
}

# A row with ratios and, where there is an aim (times as fast as restic, as the better borg), whether it is met.
function timed(step,    r, b, aim) {
  row(step, "wall", 1, "%.2f")
  r = ratio(step, "restic", "wall")
  b = ratio(step, "borg64k borg4m", "wall")
  aim = step in restic_aim ? sprintf("restic %d, borg %d", restic_aim[step], borg_aim[step]) : ""
  printf " %s | %s | %s | %s | %s |\n", show(r, "%.1f"), show(ratio(step, "borg64k", "wall"), "%.1f"),
    show(ratio(step, "borg4m", "wall"), "%.1f"), aim,
    aim == "" || r == "" || b == "" ? "" : (r >= restic_aim[step] && b >= borg_aim[step] ? "yes" : "no")
}

BEGIN {
  split("stillpoint restic borg64k borg4m", known, " ")
  label["stillpoint"] = "stillpoint"; label["restic"] = "restic"; label["borg64k"] = "borg 64 KiB"; label["borg4m"] = "borg 4 MiB"
  title["gen1"] = "full (gen1)"; title["increments"] = "increments by comparison (gen2 to gen4)"
  title["gen2"] = "– gen2, packages"; title["gen3"] = "– gen3, database"; title["gen4"] = "– gen4, scattered pages"
  title["unchanged"] = "unchanged image"; title["restore"] = "restore"; title["verify"] = "verify all data"
  title["init"] = "init"; title["version"] = "start-up (`--version`)"; title["allocated"] = "restored file, allocated"
  title["small"] = "full, data on a small disk"; title["1TiB"] = "full, the same data on 1 TiB"
  title["stored"] = "stored, four generations"
  restic_aim["gen1"] = 5; borg_aim["gen1"] = 3; restic_aim["increments"] = 5; borg_aim["increments"] = 3
  restic_aim["restore"] = 5; borg_aim["restore"] = 5; restic_aim["verify"] = 5; borg_aim["verify"] = 5
  stored_aim = 0.95
}

/"about":/ { split($0, about, "\""); print "Measured: " about[4] "; load at the start " about[8]; next }

{
  run = field("run") + 0; step = field("step"); tool = field("tool")
  if (run > runs) runs = run
  seen[tool] = 1; steps[step] = 1
  if (/"stopped":true/) stopped[step, tool] = 1
  split("wall cpu rss bytes", names, " ")
  for (i in names) if ((value = field(names[i])) != "") {
    if (step == "version") { # many tries in a repetition: their least
      if (!((run, step, tool, names[i]) in number) || value + 0 < number[run, step, tool, names[i]]) number[run, step, tool, names[i]] = value + 0
    } else {
      number[run, step, tool, names[i]] = value + 0
      if (step ~ /^gen[234]$/) {
        if (names[i] == "rss") {
          if (value + 0 > number[run, "increments", tool, "rss"] + 0) number[run, "increments", tool, "rss"] = value + 0
        } else number[run, "increments", tool, names[i]] += value
      }
    }
  }
}

END {
  for (i = 1; i <= 4; i++) if (seen[known[i]]) order[++tools] = known[i]
  n = split("init gen1 increments gen2 gen3 gen4 unchanged restore verify small 1TiB version", sequence, " ")
  steps["increments"] = steps["gen4"]

  heading("Wall time, seconds (median of " runs "), and how many times stillpoint's time the peer takes:",
    " restic ÷ | borg 64 KiB ÷ | borg 4 MiB ÷ | aim | met |")
  for (s = 1; s <= n; s++) if (steps[sequence[s]]) timed(sequence[s])
  if (steps["stored"]) {
    heading("Bytes, MB (10^6), and the peer's over stillpoint's:", " restic ÷ | borg 64 KiB ÷ | borg 4 MiB ÷ | aim | met |")
    row("stored", "bytes", 1e6, "%.1f")
    least = ratio("stored", "restic borg64k borg4m", "bytes")
    printf " %s | %s | %s | at most %.2f of the smallest | %s |\n", show(ratio("stored", "restic", "bytes"), "%.3f"),
      show(ratio("stored", "borg64k", "bytes"), "%.3f"), show(ratio("stored", "borg4m", "bytes"), "%.3f"), stored_aim,
      least == "" ? "" : sprintf("%s (%.3f)", 1 / least <= stored_aim ? "yes" : "no", 1 / least)
    if (steps["allocated"]) { row("allocated", "bytes", 1e6, "%.0f"); print " | | | | |" }
  }
  heading("CPU, seconds:", "")
  for (s = 1; s <= n; s++) if (steps[sequence[s]]) { row(sequence[s], "cpu", 1, "%.2f"); print "" }
  heading("Peak memory of the largest process, MB:", "")
  for (s = 1; s <= n; s++) if (steps[sequence[s]]) { row(sequence[s], "rss", 1e6, "%.0f"); print "" }
}
