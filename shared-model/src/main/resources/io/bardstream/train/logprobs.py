  # Log-probabilities of chosen tokens under the tied head, forward and backward. `rows` says which of the N hidden states
  # speak, `targets` the token that each says; M of both. Softmax and sums are float32. Logits (N, V) never exist at once:
  # they are made in chunks of rows, and again in the backward pass.

  def matmul(self, a: Tensor, b: Tensor) -> Tensor:
    if a.is_cuda or a.dtype != torch.float32:
      return torch.mm(a, b)
    return torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")

  def scaled_logits(self, hidden: Tensor, w: Tensor, temperature: float) -> Tensor:
    return self.matmul(hidden, w.t()).to(torch.float32).div_(temperature)

  # log p(target) and the entropy -Σ p·log p of each distribution, both (M).

  def forward(self, hidden: Tensor, rows: Tensor, w: Tensor, targets: Tensor, temperature: float,
              chunk: int) -> Tuple[Tensor, Tensor]:
    M = rows.size(0)
    logp = torch.empty([M], dtype=torch.float32, device=hidden.device)
    entropy = torch.empty([M], dtype=torch.float32, device=hidden.device)
    for start in range(0, M, chunk):
      n = min(chunk, M - start)
      h = hidden.index_select(0, rows.narrow(0, start, n))
      all = torch.log_softmax(self.scaled_logits(h, w, temperature), -1)  # (n, V)
      logp.narrow(0, start, n).copy_(all.gather(1, targets.narrow(0, start, n).view(n, 1)).view(n))
      entropy.narrow(0, start, n).copy_(torch.exp(all).mul_(all).sum([-1]).neg_())
    return logp, entropy

  # From the gradient at the log-probabilities (M) that at all hidden states (N, C); adds the head's to dw (V, C), if any.
  # The slope of log p(target) at the logits is (1[target] - p) / temperature.

  def backward(self, hidden: Tensor, dlogp: Tensor, rows: Tensor, w: Tensor, targets: Tensor, temperature: float,
               dw: Optional[Tensor], chunk: int) -> Tensor:
    M = rows.size(0)
    dhidden = torch.zeros_like(hidden)
    for start in range(0, M, chunk):
      n = min(chunk, M - start)
      which = rows.narrow(0, start, n)
      h = hidden.index_select(0, which)
      d = torch.softmax(self.scaled_logits(h, w, temperature), -1).neg_()  # (n, V)
      d.scatter_add_(1, targets.narrow(0, start, n).view(n, 1), torch.ones([n, 1], device=hidden.device))
      d.mul_((dlogp.narrow(0, start, n) / temperature).view(n, 1))
      dlogits = d.to(hidden.dtype)
      dhidden.index_copy_(0, which, self.matmul(dlogits, w))
      if dw is not None:
        dw.add_(self.matmul(dlogits.t(), h).to(torch.float32))
    return dhidden
