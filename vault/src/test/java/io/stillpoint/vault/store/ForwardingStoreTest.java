package io.stillpoint.vault.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is added to a store's interface with a default must not be lost in stores that wrap others.
final class ForwardingStoreTest {
    /// Made of other calls of the same store.
    private static final Set<String> COMPOSED =
            Set.of("put(ObjectName, byte[])", "get(ObjectName)", "list(Area, String, Consumer)");

    private static Set<String> methods(Class<?> type) {
        return Arrays.stream(type.getDeclaredMethods())
                .filter(method ->
                        !method.isSynthetic() && !Modifier.isStatic(method.getModifiers()))
                .map(ForwardingStoreTest::signature)
                .collect(Collectors.toSet());
    }

    private static String signature(Method method) {
        return method.getName()
                + Arrays.stream(method.getParameterTypes())
                        .map(Class::getSimpleName)
                        .collect(Collectors.joining(", ", "(", ")"));
    }

    @Test
    void everyCallIsPassedOn() {
        Set<String> wanted = methods(ObjectStore.class);
        assertThat(wanted).containsAll(COMPOSED);
        wanted.removeAll(COMPOSED);
        assertThat(methods(ForwardingStore.class))
                .containsAll(wanted)
                .doesNotContainAnyElementsOf(COMPOSED);
    }

    @ParameterizedTest
    @ValueSource(classes = {ObjectStore.Upload.class, ObjectStore.StoredObject.class})
    void everyCallOfWhatItOpensIsPassedOn(Class<?> part) {
        Class<?> forwarding =
                part.equals(ObjectStore.Upload.class)
                        ? ForwardingStore.ForwardingUpload.class
                        : ForwardingStore.ForwardingObject.class;
        assertThat(methods(forwarding)).containsExactlyInAnyOrderElementsOf(methods(part));
    }
}
