package io.stillpoint.integration;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static com.tngtech.archunit.library.plantuml.rules.PlantUmlArchCondition.Configuration.consideringOnlyDependenciesInDiagram;
import static com.tngtech.archunit.library.plantuml.rules.PlantUmlArchCondition.adhereToPlantUmlDiagram;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.properties.HasOwner;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Sha256;
import io.stillpoint.platform.Threads;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Timer;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/// The modules and packages are as ARCHITECTURE.md says.
@AnalyzeClasses(packages = "io.stillpoint", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
    @ArchTest
    void modulesDependAsTheDiagramSays(JavaClasses classes) {
        ArchRuleDefinition.classes()
                .that()
                .resideInAnyPackage(
                        "io.stillpoint.platform..",
                        "io.stillpoint.planning..",
                        "io.stillpoint.vault..",
                        "io.stillpoint.stores..",
                        "io.stillpoint.guest..",
                        "io.stillpoint.hypervisor..",
                        "io.stillpoint.engine..",
                        "io.stillpoint.demo..",
                        "io.stillpoint.cli..")
                .should(
                        adhereToPlantUmlDiagram(
                                Path.of("../docs/architecture.puml"),
                                consideringOnlyDependenciesInDiagram()))
                .check(classes);
    }

    @ArchTest
    static final ArchRule OTHERS_SEE_THE_VAULTS_FACE_ALONE =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.stillpoint.vault..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "io.stillpoint.vault.index..",
                            "io.stillpoint.vault.pack..",
                            "io.stillpoint.vault.read..",
                            "io.stillpoint.vault.tree..");

    @ArchTest
    static final ArchRule NO_PACKAGE_STANDS_IN_A_CYCLE =
            slices().matching("io.stillpoint.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule NATIVE_CALLS_STAND_IN_ONE_PACKAGE =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.stillpoint.platform.natives..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("java.lang.foreign..");

    /// All that a process may have in it for months: what it prints, when it ends and what it starts are the edge's.
    private static final DescribedPredicate<JavaClass> LIBRARIES =
            JavaClass.Predicates.resideInAnyPackage(
                            "io.stillpoint.platform..",
                            "io.stillpoint.planning..",
                            "io.stillpoint.vault..",
                            "io.stillpoint.stores..",
                            "io.stillpoint.guest..",
                            "io.stillpoint.hypervisor..",
                            "io.stillpoint.engine..")
                    .and(
                            DescribedPredicate.not(
                                    JavaClass.Predicates.resideInAPackage(
                                            "io.stillpoint.platform.console..")))
                    .as("libraries");

    @ArchTest
    static final ArchRule LIBRARIES_DO_NOT_PRINT =
            noClasses()
                    .that(LIBRARIES)
                    .should()
                    .accessField(System.class, "out")
                    .orShould()
                    .accessField(System.class, "err")
                    .orShould()
                    .callMethod(Throwable.class, "printStackTrace");

    @ArchTest
    static final ArchRule LIBRARIES_LEAVE_THE_PROCESS_ALONE =
            noClasses()
                    .that(LIBRARIES)
                    .should()
                    .callMethod(System.class, "exit", int.class)
                    .orShould()
                    .callMethod(Runtime.class, "exit", int.class)
                    .orShould()
                    .callMethod(Runtime.class, "halt", int.class)
                    .orShould()
                    .callMethod(Runtime.class, "addShutdownHook", Thread.class)
                    .orShould()
                    .callMethod(
                            Thread.class,
                            "setDefaultUncaughtExceptionHandler",
                            Thread.UncaughtExceptionHandler.class);

    @ArchTest
    static final ArchRule LIBRARIES_KEEP_NO_THREADS =
            noFields()
                    .that()
                    .areStatic()
                    .and()
                    .areDeclaredInClassesThat(LIBRARIES)
                    .should()
                    .haveRawType(JavaClass.Predicates.assignableTo(Executor.class))
                    .orShould()
                    .haveRawType(JavaClass.Predicates.assignableTo(Thread.class))
                    .orShould()
                    .haveRawType(JavaClass.Predicates.assignableTo(Timer.class))
                    .orShould()
                    .haveRawType(JavaClass.Predicates.assignableTo(Process.class));

    @ArchTest
    static final ArchRule THREADS_COME_FROM_ONE_FACTORY =
            noClasses()
                    .that(LIBRARIES)
                    .and(DescribedPredicate.not(JavaClass.Predicates.belongToAnyOf(Threads.class)))
                    .should()
                    .callMethod(Thread.class, "ofPlatform")
                    .orShould()
                    .callMethod(Thread.class, "ofVirtual")
                    .orShould()
                    .callMethod(Thread.class, "startVirtualThread", Runnable.class)
                    .orShould()
                    .callConstructorWhere(
                            JavaCall.Predicates.target(
                                    HasOwner.Predicates.With.owner(
                                            JavaClass.Predicates.assignableTo(Thread.class))))
                    .orShould()
                    .dependOnClassesThat()
                    .areAssignableTo(Executors.class);

    @ArchTest
    static final ArchRule THREADS_ARE_PASSED_IN_FROM_THE_EDGE =
            noClasses()
                    .that(LIBRARIES)
                    .and(
                            DescribedPredicate.not(
                                    JavaClass.Predicates.belongToAnyOf(
                                            Threads.class, ProcessResources.class)))
                    .should()
                    .callMethod(Threads.class, "ofProcess");

    @ArchTest
    static final ArchRule ONE_CLASS_MAKES_SHA_256 =
            noClasses()
                    .that()
                    .resideInAPackage("io.stillpoint..")
                    .and()
                    // MD5, which S3 asks for where it locks objects.
                    .doNotHaveFullyQualifiedName("io.stillpoint.stores.s3.S3Upload")
                    .and(DescribedPredicate.not(JavaClass.Predicates.belongToAnyOf(Sha256.class)))
                    .should()
                    .callMethod(MessageDigest.class, "getInstance", String.class);

    private static final DescribedPredicate<JavaCodeUnit> CONSTRUCTORS_OF_RECORDS =
            DescribedPredicate.describe(
                    "constructors of records",
                    unit -> unit.isConstructor() && unit.getOwner().isRecord());

    @ArchTest
    static final ArchRule MORE_THAN_FIVE_PARAMETERS_ARE_A_RECORD =
            noCodeUnits()
                    .that(DescribedPredicate.not(CONSTRUCTORS_OF_RECORDS))
                    .and()
                    // A lambda's method also takes what the lambda captures.
                    .doNotHaveModifier(JavaModifier.SYNTHETIC)
                    .and()
                    .areDeclaredInClassesThat()
                    // A system call's five words are its own, whatever the function.
                    .doNotHaveFullyQualifiedName("io.stillpoint.platform.natives.LibC")
                    .should()
                    .haveRawParameterTypes(
                            DescribedPredicate.describe(
                                    "more than five", types -> types.size() > 5));
}
