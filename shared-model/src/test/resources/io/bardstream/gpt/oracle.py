# Attention in PyTorch's own operators, for autograd to differentiate: what the hand-written kernel is tested against.

  # The sum of attention's output times dy, so that its gradient at qkv is what the backward kernel makes of dy.

  def attention(self, qkv: Tensor, dy: Tensor, B: int, T: int, H: int) -> Tensor:
    C = dy.size(1)
    r = qkv.view(B, T, 3, H, C // H).permute(2, 0, 3, 1, 4)
    s = torch.matmul(r[0], r[1].transpose(2, 3)) / (float(C // H) ** 0.5) + torch.full([T, T], float("-inf")).triu(1)
    y = torch.matmul(torch.softmax(s, -1), r[2]).transpose(1, 2).reshape(B * T, C)
    return (y * dy).sum()
