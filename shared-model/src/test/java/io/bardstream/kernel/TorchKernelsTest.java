package io.bardstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A kernel called with every kind of argument, on any thread. */
class TorchKernelsTest {
    private static final String SOURCE = """
              def mix(self, x: Tensor, others: List[Tensor], bias: Optional[Tensor], times: int, scale: float, negate: bool) -> Tensor:
                y = x * scale
                for other in others:
                  y = y + other * float(times)
                if bias is not None:
                  y = y + bias
                return -y if negate else y

              def halves(self, x: Tensor) -> Tuple[Tensor, Tensor]:
                n = x.size(0) // 2
                return x.narrow(0, 0, n), x.narrow(0, n, n)

              def as_list(self, x: Tensor) -> List[Tensor]:
                return [x, x.to(torch.bfloat16)]

              def total(self, xs: List[Tensor]) -> float:
                s = 0.0
                for x in xs:
                  s += float(x.to(torch.float32).sum())
                return s

              def add_one_(self, x: Tensor) -> None:
                x.add_(1.0)
            """;

    private static Compute compute;
    private static TorchKernels kernels;

    @BeforeAll
    static void open() {
        compute = Compute.open(Precision.FLOAT32, 2);
        kernels = TorchKernels.compile(compute.manager(), "test", SOURCE);
    }

    @AfterAll
    static void close() {
        kernels.close();
        compute.close();
    }

    @Test
    void passesEveryKindOfArgument() {
        try (NDManager scope = compute.scope()) {
            NDArray x = scope.create(new float[] {1, 2});
            NDArray y = scope.create(new float[] {10, 20});

            NDArray plain = kernels.call("mix").tensor(x, List.of(y, y), null, 3, 0.5, false);
            NDArray biased = kernels.call("mix").tensor(x, new NDList(y), y, 1L, 2f, true);

            assertThat(plain.toFloatArray()).containsExactly(60.5f, 121f);
            assertThat(biased.toFloatArray()).containsExactly(-22f, -44f);
            assertThat(plain.getManager()).isSameAs(scope);
        }
    }

    @Test
    void returnsTuplesListsAndValuesThatJavaNeverOpens() {
        try (NDManager scope = compute.scope()) {
            NDArray x = scope.create(new float[] {1, 2, 3, 4});

            NDList halves = kernels.call("halves").tensors(x);
            double total;
            try (TorchValue list = kernels.call("as_list").value(x)) {
                total = kernels.call("total").number(list);
            }

            assertThat(halves.get(1).toFloatArray()).containsExactly(3f, 4f);
            assertThat(total).isEqualTo(20);
        }
    }

    @Test
    void aListBuiltOnceSharesItsArrays() {
        try (NDManager scope = compute.scope()) {
            NDArray x = scope.zeros(new Shape(3));
            try (TorchValue list = TorchValue.listOf(List.of(x, x))) {
                kernels.call("add_one_").run(x);

                assertThat(kernels.call("total").number(list)).isEqualTo(6);
            }
        }
    }

    @Test
    void changesArraysInPlaceOnAThreadOfItsOwn() throws InterruptedException {
        try (NDManager scope = compute.scope()) {
            NDArray x = scope.zeros(new Shape(3));
            Thread thread = new Thread(() -> kernels.call("add_one_").run(x));

            thread.start();
            thread.join();

            assertThat(x.toFloatArray()).containsExactly(1f, 1f, 1f);
        }
    }

    @Test
    void namesWhatIsWrong() {
        try (NDManager scope = compute.scope()) {
            NDArray x = scope.zeros(new Shape(3));

            assertThatThrownBy(() -> TorchKernels.compile(
                            compute.manager(), "broken.py", "  def f(self) -> Tensor:\n    return y\n"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("broken.py")
                    .hasMessageContaining("undefined value y");
            assertThatThrownBy(() -> kernels.call("total").tensor(1)).hasMessageContaining("total was given no array");
            assertThatThrownBy(() -> kernels.call("add_one_").run(x, "text")).hasMessageContaining("java.lang.String");
            assertThatThrownBy(() -> compute.kernels("/nowhere.py")).hasMessageContaining("/nowhere.py");
        }
    }

    @Test
    void differentiatesThroughAKernel() {
        try (NDManager scope = compute.scope()) {
            NDArray x = scope.create(new float[] {1, 2});
            NDArray y = scope.create(new float[] {10, 20});

            Autograd.Result result = Autograd.differentiate(
                    () -> kernels.call("mix")
                            .tensor(x, List.of(y), null, 3, 0.5, false)
                            .sum(),
                    List.of(x, y));

            assertThat(result.loss()).isEqualTo(91.5);
            assertThat(result.gradients().get(0).toFloatArray()).containsExactly(0.5f, 0.5f);
            assertThat(result.gradients().get(1).toFloatArray()).containsExactly(3f, 3f);
        }
    }
}
