# Optimizers over flat buffers cut into chunks, so that an update reads and writes each number once while it is in the
# cache.

  def square_sum(self, chunks: List[Tensor]) -> Tensor:
    total = torch.zeros([], device=chunks[0].device)
    for chunk in chunks:
      x = chunk.to(torch.float32)
      total = total + torch.dot(x, x)
    return total

  # AdamW (Loshchilov and Hutter 2019) with PyTorch's formula: bias correction of both moments, epsilon outside the
  # root, decoupled decay.

  # The lists are arguments, because libtorch drops an update of lists that are built where it is called.

  def adamw_chunk_(self, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], step: List[Tensor],
                   lr: float, beta1: float, beta2: float, decay: float, epsilon: float, divisor: Tensor) -> int:
    torch.ops.aten._fused_adamw_(
        p, g, m, v, [], step, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=epsilon, amsgrad=False,
        maximize=False, grad_scale=divisor, found_inf=None)
    return 0

  # The copies in compute precision, w, are renewed on the way; in float32 they are p itself.

  def adamw_(self, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], w: List[Tensor], step: Tensor,
             lr: float, beta1: float, beta2: float, decay: float, epsilon: float, divisor: float) -> None:
    by = torch.full([], divisor, device=p[0].device)
    for i in range(len(p)):
      gradient = [g[i].to(torch.float32)]
      self.adamw_chunk_([p[i]], gradient, [m[i]], [v[i]], [step], lr, beta1, beta2, decay, epsilon, by)
      if w[i].dtype != p[i].dtype:
        w[i].copy_(p[i])

  # Muon (Jordan 2024): Nesterov momentum, then the nearest orthogonal matrix by five Newton–Schulz steps of an odd
  # quintic.

  def orthogonalise(self, g: Tensor, steps: int, dtype: int) -> Tensor:
    tall = g.size(1) > g.size(2)
    x = (g.transpose(1, 2) if tall else g).to(dtype)
    x = x / (torch.linalg_vector_norm(x, 2, [1, 2], True) + 1e-7)
    for i in range(steps):
      a = torch.bmm(x, x.transpose(1, 2))
      b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
      x = torch.baddbmm(x, b, x, beta=3.4445)
    return x.transpose(1, 2) if tall else x

  def muon_(self, p: Tensor, g: Tensor, m: Tensor, w: Tensor, lr: float, momentum: float, decay: float,
            divisor: float) -> None:
    gradient = g.to(torch.float32) / divisor
    m.lerp_(gradient, 1.0 - momentum)
    o = self.orthogonalise(gradient.lerp_(m, momentum), 5, w.dtype).to(torch.float32)
    scale = max(1.0, float(p.size(2)) / float(p.size(1))) ** 0.5
    p.mul_(1.0 - lr * decay).add_(o, alpha=-lr * scale)
    if w.dtype != p.dtype:
      w.copy_(p)
