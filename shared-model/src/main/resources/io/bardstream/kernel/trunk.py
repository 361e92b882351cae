# The trunk of GPT-2 as pairs of kernels, forward and backward, in TorchScript: typed Python that libtorch compiles; no
# Python runs.
#
# N = B·T rows, one a token; C channels; H heads, D = C/H; V vocabulary. Weights are [in, out]. "Compute precision" is
# the type of the weights handed in, float32 or bfloat16; the residual stream, norms, means and losses are float32. A
# backward kernel adds to the gradient buffers it is given (dw, db); `fresh` says that dw holds nothing yet and is
# overwritten.

  # Matrix products. oneDNN's float32 product is twice as fast as MKL's on AMD; in bfloat16 torch.mm already is oneDNN's,
  # but addmm copies the bias into the result first. A sum of float32 and bfloat16 in place is several times slower than
  # one that converts beforehand.

  def matmul(self, a: Tensor, b: Tensor) -> Tensor:
    if a.is_cuda or a.dtype != torch.float32:
      return torch.mm(a, b)
    return torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")

  def add_product_(self, sum: Tensor, a: Tensor, b: Tensor, fresh: bool) -> None:
    if sum.dtype == a.dtype and (a.is_cuda or a.dtype != torch.float32):
      if fresh:
        torch.mm(a, b, out=sum)
      else:
        sum.addmm_(a, b)
    else:
      product = self.matmul(a, b)
      if fresh:
        sum.copy_(product)
      else:
        sum.add_(product.to(sum.dtype))

  # y = x·w + b

  def linear(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    if x.is_cuda:
      return torch.addmm(b, x, w)
    return torch.ops.mkldnn._linear_pointwise(x, w.t(), b, "none", [], "")

  def linear_backward(self, dy: Tensor, x: Tensor, w: Tensor, dw: Tensor, db: Tensor, fresh: bool) -> Tensor:
    self.add_product_(dw, x.t(), dy, fresh)
    db.add_(torch.sum(dy, [0]))
    return self.matmul(dy, w.t())

  # Layer norm of a float32 row; y is in the precision asked for.

  def layer_norm(self, x: Tensor, w: Tensor, b: Tensor, dtype: int) -> Tuple[Tensor, Tensor, Tensor]:
    y, mean, rstd = torch.native_layer_norm(x, [x.size(1)], w, b, 1e-5)
    return y.to(dtype), mean, rstd

  # Adds the gradient of the norm's input to dx, the gradient of the residual stream, or starts dx with it.

  def layer_norm_backward(self, dy: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, w: Tensor, b: Tensor,
                          dw: Tensor, db: Tensor, dx: Optional[Tensor]) -> Tensor:
    dn, dgain, dbias = torch.native_layer_norm_backward(
        dy.to(x.dtype), x, [x.size(1)], mean, rstd, w, b, [True, True, True])
    dw.add_(dgain)
    db.add_(dbias)
    return dn if dx is None else dx.add_(dn)

  # GPT-2's GELU: ½x(1 + tanh(√(2/π)(x + 0.044715x³))) = x·σ(x(a + bx²)). The slope is taken along the way, while x and
  # σ are in the cache, so the backward pass is one product.

  def gelu(self, x: Tensor) -> Tuple[Tensor, Tensor]:
    y = torch.empty_like(x)
    slope = torch.empty_like(x)
    a = torch.full([], 1.5957691216057308, device=x.device)
    rows = x.size(0) if x.is_cuda else max(1, 131072 // x.size(1))
    for start in range(0, x.size(0), rows):
      n = min(rows, x.size(0) - start)
      u = x.narrow(0, start, n).to(torch.float32)
      s = torch.sigmoid(torch.addcmul(a, u, u, value=0.07135481627260025).mul_(u))
      da = torch.addcmul(a, u, u, value=0.21406444881780075)
      us = torch.mul(u, s)
      y.narrow(0, start, n).copy_(us)
      slope.narrow(0, start, n).copy_(torch.addcmul(s, torch.addcmul(us, us, s, value=-1.0), da))
    return y, slope

  def gelu_only(self, x: Tensor) -> Tensor:
    return torch.gelu(x, approximate="tanh")

  def gelu_backward(self, dy: Tensor, slope: Tensor) -> Tensor:
    return dy.mul_(slope)

  # Causal attention of H heads: softmax(QKᵀ/√D + mask)V, from qkv (N, 3C) to (N, C), followed by what the backward pass
  # needs. A tile of queries sees only the keys up to its own end, so most of the masked half is neither computed nor kept.
  # Where documents lie side by side in a row, `walls` (see below) keeps each to itself; what it masks has probability 0,
  # so the backward pass need not know of it.

  def attention(self, qkv: Tensor, B: int, T: int, H: int, tile: int, walls: Optional[Tensor]) -> List[Tensor]:
    C = qkv.size(1) // 3
    D = C // H
    if walls is None and self.has_flash(qkv, B, T, H):
      return self.flash(qkv, B, T, H)
    r = torch.empty([3, B, H, T, D], dtype=qkv.dtype, device=qkv.device)
    r.copy_(qkv.view(B, T, 3, H, D).permute(2, 0, 3, 1, 4))  # contiguous() would take ten times as long
    r = r.view(3, B * H, T, D)
    q = r[0].mul_(1.0 / float(D) ** 0.5)
    y = torch.empty([B, T, H, D], dtype=qkv.dtype, device=qkv.device)
    mask = torch.full([min(tile, T), min(tile, T)], float("-inf"), dtype=qkv.dtype, device=qkv.device).triu_(1)
    saved = [r]
    for start in range(0, T, tile):
      n = min(tile, T - start)
      end = start + n
      s = torch.bmm(q.narrow(1, start, n), r[1].narrow(1, 0, end).transpose(1, 2))  # (BH, n, end)
      s.narrow(2, start, n).add_(mask.narrow(0, 0, n).narrow(1, 0, n))
      if walls is not None:
        s.view(B, H, n, end).add_(walls.narrow(2, start, n).narrow(3, 0, end))
      torch._softmax(s, -1, False, out=s)
      y.narrow(1, start, n).copy_(torch.bmm(s, r[2].narrow(1, 0, end)).view(B, H, n, D).transpose(1, 2))
      saved.append(s)
    return [y.view(B * T, C)] + saved

  def attention_backward(self, dy: Tensor, saved: List[Tensor], B: int, T: int, H: int, tile: int) -> Tensor:
    C = dy.size(1)
    D = C // H
    if saved[0].dim() == 2:
      return self.flash_backward(dy, saved, B, T, H)
    scale = 1.0 / float(D) ** 0.5
    r = saved[0]
    q = r[0]
    g = dy.view(B, T, H, D).transpose(1, 2).contiguous().view(B * H, T, D)
    dr = torch.empty_like(r)
    dq = dr[0]
    dk = dr[1]
    dv = dr[2]
    last = (T - 1) // tile
    for i in range(last + 1):
      t = last - i  # the last tile sees every key, so it writes dk and dv whole
      start = t * tile
      n = min(tile, T - start)
      end = start + n
      p = saved[1 + t]
      gt = g.narrow(1, start, n)
      dp = torch.bmm(gt, r[2].narrow(1, 0, end).transpose(1, 2))  # (BH, n, end)
      ds = torch._softmax_backward_data(dp, p, -1, p.dtype, grad_input=dp)
      dq.narrow(1, start, n).copy_(torch.bmm(ds, r[1].narrow(1, 0, end)))
      if i == 0:
        torch.bmm(ds.transpose(1, 2), q.narrow(1, start, n), out=dk)
        torch.bmm(p.transpose(1, 2), gt, out=dv)
      else:
        dk.narrow(1, 0, end).add_(torch.bmm(ds.transpose(1, 2), q.narrow(1, start, n)))
        dv.narrow(1, 0, end).add_(torch.bmm(p.transpose(1, 2), gt))
    dq.mul_(scale)
    return dr.view(3, B, H, T, D).permute(1, 3, 0, 2, 4).reshape(B * T, 3 * C)

  # Flash attention (Dao 2023), which keeps a number a query rather than the (T, T) probabilities, where libtorch's
  # scaled_dot_product_attention would take it: on CUDA, for this card, precision and head. It reads the rows as they lie.

  def has_flash(self, qkv: Tensor, B: int, T: int, H: int) -> bool:
    if not qkv.is_cuda:
      return False
    q, k, v = qkv.view(B, T, 3, H, -1).permute(2, 0, 3, 1, 4).unbind(0)
    return torch._fused_sdp_choice(q, k, v, None, 0.0, True) == 1

  def flash(self, qkv: Tensor, B: int, T: int, H: int) -> List[Tensor]:
    q, k, v = qkv.view(B * T, 3, H, -1).unbind(1)
    starts = torch.arange(0, B * T + 1, T, dtype=torch.int32, device=qkv.device)
    y, logsumexp, rng, unused, _ = torch._flash_attention_forward(q, k, v, starts, starts, T, T, 0.0, True, False)
    return [y.view(B * T, -1), qkv, y, logsumexp, rng, unused]

  def flash_backward(self, dy: Tensor, saved: List[Tensor], B: int, T: int, H: int) -> Tensor:
    qkv, y, logsumexp, rng, unused = saved
    q, k, v = qkv.view(B * T, 3, H, -1).unbind(1)
    starts = torch.arange(0, B * T + 1, T, dtype=torch.int32, device=qkv.device)
    dq, dk, dv = torch._flash_attention_backward(
        dy.view(B * T, H, -1), q, k, v, y, logsumexp, starts, starts, T, T, 0.0, True, rng, unused)
    return torch.stack([dq, dk, dv], 1).view(B * T, -1)

  # The residual stream: x + branch, the branch thinned by a dropout mask and scaled up to the same mean.

  def residual(self, x: Tensor, branch: Tensor, mask: Optional[Tensor], scale: float) -> Tensor:
    if mask is None:
      return x + branch
    return torch.addcmul(x, branch.to(torch.float32), mask.to(torch.float32), value=scale)

  def residual_(self, x: Tensor, branch: Tensor) -> Tensor:
    return x.add_(branch)

  def residual_backward(self, dx: Tensor, mask: Optional[Tensor], scale: float, dtype: int) -> Tensor:
    if mask is None:
      return dx.to(dtype)
    return torch.mul(dx.to(dtype), mask).mul_(scale)

  # A dropout mask: murmur3's finaliser over a counter, keyed by 64 bits. A number is kept where 32 hashed bits lie
  # below the limit. Each hash serves two numbers.

  def dropout_mask(self, like: Tensor, key0: int, key1: int, limit: int) -> Tensor:
    mask = torch.empty(like.size(), dtype=torch.bool, device=like.device)
    flat = mask.view(-1)
    half = (flat.size(0) + 1) // 2
    chunk = half if like.is_cuda else min(half, 65536)
    scratch = torch.empty([chunk], dtype=torch.int32, device=like.device)
    for start in range(0, half, chunk):
      n = min(chunk, half - start)
      h = torch.arange(start, start + n, dtype=torch.int32, device=like.device)
      s = scratch.narrow(0, 0, n)
      h.mul_(-1640531535).add_(key0)
      h.bitwise_xor_(torch.bitwise_right_shift(h, 16, out=s).bitwise_and_(65535))
      h.mul_(-2048144789).add_(key1)
      h.bitwise_xor_(torch.bitwise_right_shift(h, 13, out=s).bitwise_and_(524287))
      h.mul_(-1028477387)
      h.bitwise_xor_(torch.bitwise_right_shift(h, 16, out=s).bitwise_and_(65535))
      torch.lt(h, limit, out=flat.narrow(0, start, n))
      rest = min(n, flat.size(0) - half - start)
      if rest > 0:
        low = torch.bitwise_left_shift(h, 16, out=s).narrow(0, 0, rest)
        torch.lt(low, limit, out=flat.narrow(0, half + start, rest))
    return mask

  # Several documents in one row. Where each token's document starts, `starts` (B, T), gives the token's position in its
  # own document, (B, T), and the walls between them: (B, 1, T, T), minus infinity where a key is another document's.

  def positions(self, starts: Tensor) -> Tensor:
    return torch.arange(0, starts.size(1), dtype=torch.int64, device=starts.device) - starts

  def walls(self, starts: Tensor, dtype: int) -> Tensor:
    B = starts.size(0)
    T = starts.size(1)
    key = torch.arange(0, T, dtype=torch.int64, device=starts.device)
    before = torch.lt(key.view(1, 1, 1, T), starts.view(B, 1, T, 1))
    return torch.zeros([B, 1, T, T], dtype=dtype, device=starts.device).masked_fill_(before, float("-inf"))

  # Token and position embedding, from tokens (B, T) to the residual stream (N, C) in float32. Positions are 0 to T-1 in
  # each row, unless given.

  def embedding(self, tokens: Tensor, wte: Tensor, wpe: Tensor, positions: Optional[Tensor]) -> Tensor:
    place = wpe.narrow(0, 0, tokens.size(1)) if positions is None else torch.embedding(wpe, positions)
    return (torch.embedding(wte, tokens) + place).view(-1, wte.size(1))

  def embedding_backward(self, dx: Tensor, tokens: Tensor, dwte: Tensor, dwpe: Tensor,
                         positions: Optional[Tensor]) -> None:
    dwte.index_add_(0, tokens.view(-1), dx)
    if positions is None:
      dwpe.narrow(0, 0, tokens.size(1)).add_(torch.sum(dx.view(tokens.size(0), tokens.size(1), dx.size(1)), [0]))
    else:
      dwpe.index_add_(0, positions.view(-1), dx)

  def mask_(self, x: Tensor, mask: Tensor, scale: float) -> Tensor:
    return x.mul_(mask).mul_(scale)

  # Tied head and cross-entropy, in chunks of rows, so that the logits (N, V) never exist at once. The softmax runs in
  # float32 over as many rows as stay in the cache. Returns the weighted mean of -log p(target), and the gradient at the
  # hidden states of `scale` times it; adds the head's part to dw (V, C).

  def next_token(self, hidden: Tensor, w: Tensor, targets: Tensor, weights: Optional[Tensor], scale: float,
                 dw: Optional[Tensor], chunk: int) -> Tuple[Tensor, Tensor]:
    N = hidden.size(0)
    count = torch.full([], float(N), device=hidden.device) if weights is None else weights.sum()
    factor = scale / float(count)
    loss = torch.zeros([], device=hidden.device)
    dhidden = torch.empty_like(hidden) if dw is not None else hidden
    for start in range(0, N, chunk):
      n = min(chunk, N - start)
      weight = None if weights is None else weights.narrow(0, start, n)
      loss = loss + self.next_token_chunk(
          hidden.narrow(0, start, n), w, targets.narrow(0, start, n), weight, factor, dw, dhidden.narrow(0, start, n))
    return loss / count, dhidden

  # One chunk, whose logits are freed before the next one's are made. They become their own gradient in place.

  def next_token_chunk(self, h: Tensor, w: Tensor, targets: Tensor, weights: Optional[Tensor], factor: float,
                       dw: Optional[Tensor], dh: Tensor) -> Tensor:
    N = h.size(0)
    V = w.size(0)
    loss = torch.zeros([], device=h.device)
    logits = self.matmul(h, w.t())  # (N, V)
    rows = N if h.is_cuda else max(1, 1048576 // V)
    for first in range(0, N, rows):
      m = min(rows, N - first)
      target = targets.narrow(0, first, m).view(m, 1)
      p = torch.softmax(logits.narrow(0, first, m).to(torch.float32), -1)
      nll = -torch.log(p.gather(1, target).clamp_(1e-38)).view(m)
      p.scatter_add_(1, target, torch.full([m, 1], -1.0, device=p.device))
      if weights is not None:
        weight = weights.narrow(0, first, m)
        nll = nll * weight
        p.mul_(weight.view(m, 1))
      loss = loss + nll.sum()
      if dw is not None:
        logits.narrow(0, first, m).copy_(p)
    if dw is not None:
      torch.mul(self.matmul(logits, w), factor, out=dh)
      product = self.matmul(logits.t(), h)  # (V, C)
      for first in range(0, V, 4096):
        m = min(4096, V - first)
        dw.narrow(0, first, m).add_(product.narrow(0, first, m).to(torch.float32), alpha=factor)
    return loss

  def logits(self, hidden: Tensor, w: Tensor) -> Tensor:
    return self.matmul(hidden, w.t()).to(torch.float32)

  # A scalar for each token, y = x·w, with w (1, C) in float32: x (N, C), y (N).

  def scalar(self, x: Tensor, w: Tensor) -> Tensor:
    return torch.mv(x.to(torch.float32), w.view(-1))

  def scalar_backward(self, dy: Tensor, x: Tensor, w: Tensor, dw: Tensor) -> Tensor:
    dw.view(-1).add_(torch.mv(x.to(torch.float32).t(), dy))
    return torch.outer(dy, w.view(-1)).to(x.dtype)

  # Storage.

  def slice(self, flat: Tensor, offset: int, count: int) -> Tensor:
    return flat.narrow(0, offset, count)

  def cast(self, x: Tensor, dtype: int) -> Tensor:
    return x.to(dtype, copy=True)

  # From the host's memory to the GPU's, which goes on computing meanwhile.

  def upload(self, host: Tensor) -> Tensor:
    return host.pin_memory().to(torch.device("cuda"), non_blocking=True)

  def copy_(self, into: Tensor, x: Tensor) -> None:
    into.copy_(x)

  def zero_(self, x: Tensor) -> None:
    x.zero_()

  def normal_(self, x: Tensor, deviation: float, seed: int) -> None:
    x.normal_(0.0, deviation, generator=torch.Generator(device=x.device, seed=seed))

  # Row `id` of w from the normal distribution of its first `known` rows E: with their mean m and a vector g of standard
  # normal deviates, m + gᵀ(E − m)/√known has their mean and covariance, and no covariance need be decomposed.

  def draw_row_(self, w: Tensor, known: int, id: int, seed: int) -> None:
    rows = w.narrow(0, 0, known)
    mean = rows.mean([0])
    g = torch.empty([known], dtype=w.dtype, device=w.device)
    g.normal_(0.0, 1.0, generator=torch.Generator(device=w.device, seed=seed))
    shift = torch.mv(rows.t(), g) - mean * g.sum()
    w.select(0, id).copy_(mean + shift / float(known) ** 0.5)
