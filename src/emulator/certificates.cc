#include "emulator/certificates.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <memory>

namespace defang::emulator {

namespace {

struct Free {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Cert = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Bio = std::unique_ptr<BIO, Free>;

constexpr long kAuthorityDays = 3650;

Error crypto_error() {
  return {.kind = Error::Kind::invalid,
          .code = "certificate",
          .message = "the emulator's certificates cannot be made or read"};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

Cert read_certificate(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Key read_key(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension) X509_add_ext(certificate, extension.get(), -1);
}

/// A certificate with everything but its extensions and its signature.
Cert blank(EVP_PKEY* key, const std::string& common_name, long days) {
  Cert certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  unsigned char serial[16];
  RAND_bytes(serial, sizeof serial);
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * 86400);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return certificate;
}

bool is_address(const std::string& name) {
  return name.find(':') != std::string::npos || name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

Result<CertificateAuthority> CertificateAuthority::open(Disk& disk, const std::filesystem::path& folder) {
  CertificateAuthority authority;
  authority.certificate_file_ = folder / "ca.crt";
  const auto key_file = folder / "ca.key";
  const auto certificate = disk.read(authority.certificate_file_);
  const auto key = disk.read(key_file);
  if (certificate && key && read_certificate(*certificate) && read_key(*key)) {
    authority.certificate_pem_ = *certificate;
    authority.key_pem_ = *key;
    return authority;
  }
  const Key made(EVP_EC_gen("P-256"));
  if (!made) return fail(crypto_error());
  const Cert self = blank(made.get(), "defang emulator", kAuthorityDays);
  X509_set_issuer_name(self.get(), X509_get_subject_name(self.get()));
  add_extension(self.get(), self.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(self.get(), self.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(self.get(), self.get(), NID_subject_key_identifier, "hash");
  if (X509_sign(self.get(), made.get(), EVP_sha256()) == 0) return fail(crypto_error());
  authority.certificate_pem_ = to_pem(self.get());
  authority.key_pem_ = to_pem(made.get());
  TRY(disk.write(key_file, authority.key_pem_, Disk::Access::owner_only));
  TRY(disk.write(authority.certificate_file_, authority.certificate_pem_));
  return authority;
}

std::string CertificateAuthority::hashed_name() const {
  const Cert certificate = read_certificate(certificate_pem_);
  return fmt::format("{:08x}.0", certificate ? X509_subject_name_hash(certificate.get()) : 0);
}

Result<CertificateAuthority::Certificate> CertificateAuthority::issue(const std::vector<std::string>& names,
                                                                      std::int64_t valid_days) const {
  const Cert issuer = read_certificate(certificate_pem_);
  const Key issuer_key = read_key(key_pem_);
  const Key key(EVP_EC_gen("P-256"));
  if (!issuer || !issuer_key || !key || names.empty()) return fail(crypto_error());
  const Cert certificate = blank(key.get(), names.front().substr(0, 64), valid_days);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  std::string alternatives;
  for (const auto& name : names)
    alternatives += (alternatives.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  add_extension(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), issuer.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), issuer.get(), NID_subject_alt_name, alternatives);
  add_extension(certificate.get(), issuer.get(), NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid");
  if (X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) == 0) return fail(crypto_error());
  return Certificate{to_pem(certificate.get()) + certificate_pem_, to_pem(key.get())};
}

}  // namespace defang::emulator
