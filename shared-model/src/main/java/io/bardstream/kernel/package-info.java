/** Forward and backward pairs as TorchScript, and the only code that knows DJL's JNI. */
package io.bardstream.kernel;
