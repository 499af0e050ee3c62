package io.stillpoint.integration;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaModifier.ABSTRACT;
import static com.tngtech.archunit.core.domain.properties.HasModifiers.Predicates.modifier;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.core.domain.properties.HasParameterTypes.Predicates.rawParameterTypes;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Messages;
import io.stillpoint.platform.text.Text;
import java.util.Locale;

/// Texts are rendered where they are shown, and nowhere below (`docs/decisions/0014-texts-at-the-edge.md`).
///
/// What bytecode does not show is not held here: a text that is made part of a string with `+`.
@AnalyzeClasses(packages = "io.stillpoint", importOptions = ImportOption.DoNotIncludeTests.class)
final class TextsTest {
    private static final DescribedPredicate<JavaMethodCall> RENDERING =
            target(equivalentTo(Text.class), "in")
                    .or(target(equivalentTo(Text.class), "toString"))
                    .or(target(equivalentTo(Messages.class), "text"))
                    .or(target(assignableTo(StillpointException.class), "getMessage"))
                    .or(target(assignableTo(StillpointException.class), "getLocalizedMessage"))
                    .or(target(assignableTo(StillpointException.class), "toString"))
                    .or(
                            DescribedPredicate.describe(
                                    "text(Locale)",
                                    call ->
                                            owner(assignableTo(StillpointException.class))
                                                            .test(call.getTarget())
                                                    && name("text").test(call.getTarget())
                                                    && rawParameterTypes(Locale.class)
                                                            .test(call.getTarget())))
                    .as("that render a text");

    private static DescribedPredicate<JavaMethodCall> target(
            DescribedPredicate<JavaClass> owner, String method) {
        return DescribedPredicate.describe(
                method,
                call -> owner(owner).test(call.getTarget()) && name(method).test(call.getTarget()));
    }

    @ArchTest
    static final ArchRule NOBODY_BELOW_THE_EDGE_RENDERS_A_TEXT =
            noClasses()
                    .that()
                    .resideInAnyPackage(
                            "io.stillpoint.platform..",
                            "io.stillpoint.vault..",
                            "io.stillpoint.stores..",
                            "io.stillpoint.guest..",
                            "io.stillpoint.hypervisor..",
                            "io.stillpoint.engine..",
                            "io.stillpoint.demo..")
                    .and()
                    // The renderer, and a part of the edge.
                    .resideOutsideOfPackages(
                            "io.stillpoint.platform.text..", "io.stillpoint.platform.console..")
                    .and()
                    .doNotBelongToAnyOf(StillpointException.class)
                    .and()
                    // Files and journals have no reader yet, and are in the root language.
                    .haveNameNotMatching(
                            "io\\.stillpoint\\.engine\\."
                                    + "(LostRanges|(Backup|Restore)Record\\$Failed)")
                    .should()
                    .callMethodWhere(RENDERING);

    @ArchTest
    static final ArchRule EXCEPTIONS_OF_OURS_ARE_OF_ONE_FAMILY =
            classes()
                    .that()
                    .areAssignableTo(RuntimeException.class)
                    .should()
                    .beAssignableTo(StillpointException.class);

    @ArchTest
    static final ArchRule EACH_EXCEPTION_HAS_ITS_KINDS =
            classes()
                    .that()
                    .areAssignableTo(StillpointException.class)
                    .and(are(DescribedPredicate.not(modifier(ABSTRACT))))
                    .should(haveKinds());

    private static ArchCondition<JavaClass> haveKinds() {
        return new ArchCondition<>("have an enum Kind of what may fail") {
            @Override
            public void check(JavaClass exception, ConditionEvents events) {
                boolean has =
                        exception.getPackage().getClasses().stream()
                                .anyMatch(each ->
                                        each.getName().equals(exception.getName() + "$Kind")
                                                && each.isEnum()
                                                && each.isAssignableTo(FailureKind.class));
                events.add(new SimpleConditionEvent(exception, has, exception.getName()));
            }
        };
    }
}
