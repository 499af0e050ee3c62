package io.stillpoint.engine;

import io.stillpoint.engine.ConsistencyRules.Machine;
import io.stillpoint.engine.ConsistencyRules.Verdict;
import io.stillpoint.engine.PrepareStep.Prepared;
import io.stillpoint.engine.PreparedGuest.FoundExtension;
import io.stillpoint.guest.quiesce.Quiescence;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.Consistency;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The steps from rest to the guest's release: takes the snapshot in the best way that works (`docs/consistency.md`).
/// Whatever happens in between, the guest ends its rest, here or by itself.
final class SnapshotStep {
    private final String vm;
    private final Consistency atLeast;
    private final PreparedGuest guest;
    private final Supplier<Prepared> prepare;
    private final JobTools tools;
    private final JobReporter reporter;

    /// @param prepare readies a snapshot; called for each one that is tried
    SnapshotStep(
            BackupSettings settings,
            PreparedGuest guest,
            Supplier<Prepared> prepare,
            JobTools tools,
            JobReporter reporter) {
        vm = settings.vm();
        atLeast = settings.policy().atLeast();
        this.guest = guest;
        this.prepare = prepare;
        this.tools = tools;
        this.reporter = reporter;
    }

    /// Takes the snapshot, again in another way where the first was worth nothing.
    ///
    /// Throws `engine.below-minimum` or `engine.scripts-demand` if no point may be made of it; nothing is held then.
    TakenVm take() {
        return guest.machine() == Machine.OFF ? takeOfStopped() : takeOfGuest();
    }

    private Attempt attempt() {
        return new Attempt(prepare.get(), tools.clock());
    }

    private void begin() {
        reporter.step(Step.SNAPSHOT, text("engine.taking"));
        tools.cancellation().check();
    }

    private TakenVm takeOfStopped() {
        try (Attempt attempt = attempt()) {
            begin();
            Shutdown shutdown = attempt.taken().snapshot().shutdown();
            Verdict verdict = ConsistencyRules.stopped(shutdown.state());
            Shortfall shortfall = guest.shortfall().or(told(verdict, shutdown.detail()));
            requireEnough(verdict, shortfall);
            return held(attempt.keep(), verdict, shortfall, OptionalLong.empty(), Json.object());
        }
    }

    private TakenVm takeOfGuest() {
        Set<Way> tried = EnumSet.noneOf(Way.class);
        boolean hasWriterFailed = false;
        Shortfall shortfall = guest.shortfall();
        Way way = guest.way();
        while (true) {
            tried.add(way);
            try (Attempt attempt = attempt()) {
                begin();
                Quiescence came = attempt.run(guest.ways().quiescer(way));
                Verdict verdict = ConsistencyRules.verdict(way, came.applications(), came.rest());
                came.warnings()
                        .forEach(warning -> reporter.warning(warning.code(), warning.text()));
                tellScripts(came.report().path("scripts"));
                shortfall = shortfall.or(told(verdict, came.detail()));
                hasWriterFailed |= verdict.code().equals("guest.writer-failed");
                switch (verdict.next()) {
                    case FAIL -> throw JobException.scriptsDemand(came.detail());
                    case KEEP -> {
                        requireEnough(verdict, shortfall);
                        noteVss(!tried.contains(Way.VSS), hasWriterFailed);
                        return held(
                                attempt.keep(),
                                verdict,
                                shortfall,
                                came.frozenMillis(),
                                report(way, came));
                    }
                    case AGAIN_BY_AGENT -> way = next(Way.AGENT_VSS, tried);
                    case AGAIN_FLUSHED -> way = next(Way.FLUSH, tried);
                    case AGAIN_WITHOUT -> way = Way.NOTHING;
                }
            }
        }
    }

    private Way next(Way wanted, Set<Way> tried) {
        return guest.ways().offer(wanted) && !tried.contains(wanted) ? wanted : Way.NOTHING;
    }

    private static TakenVm held(
            TakenSnapshot taken,
            Verdict verdict,
            Shortfall shortfall,
            OptionalLong frozenMillis,
            ObjectNode quiescing) {
        Consistency reached = verdict.consistency();
        boolean isBest = reached.compareTo(Consistency.APPLICATION) >= 0;
        return new TakenVm(
                taken.record(),
                taken.snapshot(),
                new InstantReport(
                        taken.at(),
                        reached,
                        isBest ? "" : shortfall.code(),
                        frozenMillis,
                        quiescing));
    }

    private void requireEnough(Verdict verdict, Shortfall shortfall) {
        if (verdict.consistency().compareTo(atLeast) < 0) {
            throw JobException.below(verdict.consistency(), atLeast, shortfall);
        }
    }

    /// Tells what the verdict says, and returns it.
    private Shortfall told(Verdict verdict, Text detail) {
        if (verdict.code().isEmpty()) {
            return Shortfall.NONE;
        }
        Text text = text(verdict.code(), detail);
        if (verdict.code().equals("guest.state-unknown")) {
            reporter.note(text);
        } else if (!verdict.code().equals("guest.no-scripts")) {
            reporter.warning(text);
        }
        return Shortfall.of(text);
    }

    private void tellScripts(JsonNode scripts) {
        for (Step which : List.of(Step.PRE_SCRIPT, Step.POST_SCRIPT)) {
            JsonNode script = scripts.path(which == Step.PRE_SCRIPT ? "pre" : "post");
            if (script.path("ran").asBoolean(false)) {
                reporter.step(
                        which,
                        text(
                                "engine.script",
                                Integer.toString(script.path("exit").asInt(0)),
                                Long.toString(script.path("millis").asLong(0)),
                                Integer.toString(script.path("attempts").asInt(1)),
                                script.path("output").asString("").strip()));
            }
        }
    }

    private void noteVss(boolean wasPassedOver, boolean hasWriterFailed) {
        guest.extension()
                .filter(FoundExtension::isVss)
                .ifPresent(found -> found.keeper().noteVss(vm, wasPassedOver, hasWriterFailed));
    }

    private ObjectNode report(Way way, Quiescence came) {
        ObjectNode report = Json.object();
        if (guest.machine() == Machine.RUNNING) {
            report.put("way", way.name().toLowerCase(Locale.ROOT).replace('_', '-'));
            guest.extension().ifPresent(found -> report.put("extension", found.version()));
            report.setAll(came.report());
        }
        return report;
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(SnapshotStep.class, code, arguments);
    }
}
