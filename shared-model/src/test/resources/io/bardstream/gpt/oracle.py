# GPT-2 in PyTorch's own operators, one line each, for autograd to differentiate: what the hand-written kernels are tested against.

  def loss(self, tokens: Tensor, targets: Tensor, weights: Optional[Tensor], H: int, L: int, p: List[Tensor]) -> Tensor:
    B = tokens.size(0)
    T = tokens.size(1)
    C = p[4 * L].size(1)
    x = torch.embedding(p[4 * L], tokens) + p[4 * L + 1].narrow(0, 0, T)
    for i in range(L):
      v = 4 * L + 2 + 8 * i
      h = torch.layer_norm(x, [C], p[v], p[v + 1], 1e-5)
      qkv = (torch.matmul(h, p[i]) + p[v + 2]).view(B, T, 3, H, C // H).permute(2, 0, 3, 1, 4)
      s = torch.matmul(qkv[0], qkv[1].transpose(2, 3)) / (float(C // H) ** 0.5)
      s = s + torch.full([T, T], float("-inf")).triu(1)
      y = torch.matmul(torch.softmax(s, -1), qkv[2]).transpose(1, 2).reshape(B, T, C)
      x = x + torch.matmul(y, p[L + i]) + p[v + 3]
      h = torch.layer_norm(x, [C], p[v + 4], p[v + 5], 1e-5)
      u = torch.matmul(h, p[2 * L + i]) + p[v + 6]
      x = x + torch.matmul(torch.gelu(u, approximate="tanh"), p[3 * L + i]) + p[v + 7]
    h = torch.layer_norm(x, [C], p[12 * L + 2], p[12 * L + 3], 1e-5)
    logits = torch.matmul(h, p[4 * L].t()).view(B * T, -1)
    nll = torch.cross_entropy_loss(logits, targets, None, 0)
    if weights is not None:
      return (nll * weights).sum() / weights.sum()
    return nll.mean()

  # The sum of attention's output times dy, so that its gradient at qkv is what the backward kernel makes of dy.

  def attention(self, qkv: Tensor, dy: Tensor, B: int, T: int, H: int) -> Tensor:
    C = dy.size(1)
    r = qkv.view(B, T, 3, H, C // H).permute(2, 0, 3, 1, 4)
    s = torch.matmul(r[0], r[1].transpose(2, 3)) / (float(C // H) ** 0.5) + torch.full([T, T], float("-inf")).triu(1)
    y = torch.matmul(torch.softmax(s, -1), r[2]).transpose(1, 2).reshape(B * T, C)
    return (y * dy).sum()
